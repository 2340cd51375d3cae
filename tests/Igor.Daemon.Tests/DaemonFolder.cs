namespace Igor.Daemon.Tests;

/// <summary>A folder for the data of daemons, removed at the end.</summary>
internal sealed class DaemonFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("igord-").FullName;

    public string Combine(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>The options of a daemon of its own on loopback.</summary>
    public string[] Arguments(string name, params string[] more) =>
        ["--data", Combine(name), "--listen", "127.0.0.1:0", "--network", "test", .. more];

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
