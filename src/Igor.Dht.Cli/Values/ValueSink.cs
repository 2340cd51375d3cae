using System.Globalization;
using Igor.Dht.Cli.Failures;
using Microsoft.Win32.SafeHandles;

namespace Igor.Dht.Cli.Values;

/// <summary>
/// Where the value of a get goes: standard output, a file that is there whole or not at all, or whatever else
/// a path names (a FIFO, a device, a descriptor), which is written into.
/// </summary>
internal static class ValueSink
{
    /// <summary>Writes the value byte for byte.</summary>
    /// <exception cref="CommandFailure">The file cannot be written.</exception>
    public static async Task WriteAsync(
        string? path, ReadOnlyMemory<byte> value, CommandStreams streams, CancellationToken cancellation)
    {
        if (path is null)
        {
            await streams.Out.WriteAsync(value, cancellation).ConfigureAwait(false);
            await streams.Out.FlushAsync(cancellation).ConfigureAwait(false);
        }
        else if (DescriptorOf(path) is { } descriptor)
        {
            await using var stream = DescriptorStream.Inherited(descriptor, path);
            await stream.WriteAsync(value, cancellation).ConfigureAwait(false);
        }
        else if (OutputFile.IsWrittenInto(path))
        {
            await using DescriptorStream stream = await OpenAsync(path, cancellation).ConfigureAwait(false);
            await stream.WriteAsync(value, cancellation).ConfigureAwait(false);
        }
        else
        {
            await ReplaceAsync(path, value, cancellation).ConfigureAwait(false);
        }
    }

    // A FIFO opens when somebody reads from it, which may be never.
    private static async Task<DescriptorStream> OpenAsync(string path, CancellationToken cancellation)
    {
        try
        {
            SafeFileHandle handle = await Task.Run(
                () => File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite),
                cancellation).WaitAsync(cancellation).ConfigureAwait(false);
            return new DescriptorStream(handle, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandFailure.Local($"the value cannot be written: {e.Message}", e);
        }
    }

    private static async Task ReplaceAsync(
        string path, ReadOnlyMemory<byte> value, CancellationToken cancellation)
    {
        try
        {
            await OutputFile.ReplaceAsync(path, value, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandFailure.Local($"the value cannot be written: {e.Message}", e);
        }
    }

    // What a redirection opened has a position, and perhaps appends: opening its file again has neither.
    private static int? DescriptorOf(string path)
    {
        string number = path switch
        {
            "/dev/stdout" => "1",
            "/dev/stderr" => "2",
            _ when path.StartsWith("/dev/fd/", StringComparison.Ordinal) => path["/dev/fd/".Length..],
            _ when path.StartsWith("/proc/self/fd/", StringComparison.Ordinal) =>
                path["/proc/self/fd/".Length..],
            _ => string.Empty,
        };
        return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int descriptor)
            ? descriptor
            : null;
    }
}
