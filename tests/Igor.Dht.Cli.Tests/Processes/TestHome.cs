namespace Igor.Dht.Cli.Tests;

/// <summary>A folder for one test's nodes and files, gone afterwards.</summary>
internal sealed class TestHome : IDisposable
{
    /// <summary>The folder; short, because the path of a Unix socket has to be.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("igor-cli-").FullName;

    /// <summary>Variables that its processes get besides, or do not get (null).</summary>
    public Dictionary<string, string?> Environment { get; } = [];

    /// <summary>A path in the folder.</summary>
    public string Path(string name) => System.IO.Path.Combine(Folder, name);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
