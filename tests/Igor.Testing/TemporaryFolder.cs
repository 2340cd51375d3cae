namespace Igor.Testing;

/// <summary>
/// A folder of its own for a test, with a path short enough for those of sockets in it, removed afterwards.
/// </summary>
public sealed class TemporaryFolder : IDisposable
{
    private int _paths;

    /// <summary>Where it is.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("igor-").FullName;

    /// <summary>A path in the folder.</summary>
    public string Combine(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>A path in the folder that nothing is at.</summary>
    public string NewPath() => Combine($"{Interlocked.Increment(ref _paths)}.sock");

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
