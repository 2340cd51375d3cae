using Igor.Testing;

namespace Igor.Dht.Cli.Tests;

/// <summary>The surroundings of one test's processes: a folder for their files, and variables.</summary>
internal sealed class TestHome : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>The folder.</summary>
    public string Folder => _folder.Path;

    /// <summary>Variables that its processes get besides, or do not get (null).</summary>
    public Dictionary<string, string?> Environment { get; } = [];

    /// <summary>A path in the folder.</summary>
    public string Path(string name) => _folder.Combine(name);

    public void Dispose() => _folder.Dispose();
}
