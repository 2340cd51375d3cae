namespace Igor.Local.Tests.Testing;

/// <summary>A folder for sockets with a short path, removed at the end.</summary>
internal sealed class SocketFolder : IDisposable
{
    private int _count;

    /// <summary>The folder.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("igor-").FullName;

    /// <summary>A path that nothing is at.</summary>
    public string NewPath() => System.IO.Path.Combine(Path, $"{Interlocked.Increment(ref _count)}.sock");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
