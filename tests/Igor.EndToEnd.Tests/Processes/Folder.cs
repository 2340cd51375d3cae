namespace Igor.EndToEnd.Processes;

/// <summary>
/// A folder for the data of a test's nodes, short enough for the paths of sockets, deleted at the end.
/// </summary>
internal sealed class Folder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("igor-e2e-").FullName;

    public string Combine(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
