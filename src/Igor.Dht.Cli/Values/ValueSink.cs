namespace Igor.Dht.Cli;

/// <summary>
/// Where the value of a get goes: standard output, or a file that is there whole or not at all.
/// </summary>
internal static class ValueSink
{
    /// <summary>Writes the value byte for byte.</summary>
    /// <exception cref="CommandFailure">The file cannot be written.</exception>
    public static async Task WriteAsync(
        string? path, ReadOnlyMemory<byte> value, CommandStreams streams, CancellationToken cancellation)
    {
        try
        {
            if (path is null)
            {
                await streams.Out.WriteAsync(value, cancellation).ConfigureAwait(false);
                await streams.Out.FlushAsync(cancellation).ConfigureAwait(false);
            }
            else if (IsDevice(path))
            {
                await File.WriteAllBytesAsync(path, value, cancellation).ConfigureAwait(false);
            }
            else
            {
                await ReplaceAsync(path, value, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandFailure.Local($"the value cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Writes a file beside the one that is meant and moves it there once it is on disk.</summary>
    private static async Task ReplaceAsync(
        string path, ReadOnlyMemory<byte> value, CancellationToken cancellation)
    {
        string target = new FileInfo(path).LinkTarget is null
            ? Path.GetFullPath(path)
            : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
        string partial = $"{target}.{Environment.ProcessId}.partial";
        try
        {
            using (FileStream stream = new(partial, FileMode.Create, FileAccess.Write))
            {
                await stream.WriteAsync(value, cancellation).ConfigureAwait(false);
                stream.Flush(flushToDisk: true);
            }

            File.Move(partial, target, overwrite: true);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    // A device cannot be replaced by a file (and for root, /dev/null must not be).
    private static bool IsDevice(string path) =>
        Path.GetFullPath(path).StartsWith("/dev/", StringComparison.Ordinal);
}
