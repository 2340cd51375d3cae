using Igor.Dht.Cli.Failures;
using Microsoft.Win32.SafeHandles;

namespace Igor.Dht.Cli.Values;

/// <summary>Where the value of a put comes from: the argument, a file, or standard input.</summary>
internal static class ValueSource
{
    /// <summary>The path that means standard input or output.</summary>
    public const string StandardStream = "-";

    /// <summary>Reads the value, and no more of it than a record may hold.</summary>
    /// <exception cref="CommandFailure">It is too large, given twice, or cannot be read.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(
        string? argument, string? file, CommandStreams streams, int bytesMax, CancellationToken cancellation)
    {
        if (argument is not null && file is not null)
        {
            throw CommandFailure.Usage("the value is given as an argument and as --file; give one of them");
        }

        if (argument is not null)
        {
            byte[] bytes = ArgumentBytes.ToBytes(argument) ?? [];
            return bytes.Length <= bytesMax ? bytes : throw TooLarge(bytesMax);
        }

        if (file is not null and not StandardStream)
        {
            return await ReadFileAsync(file, bytesMax, cancellation).ConfigureAwait(false);
        }

        if (file is null && !Console.IsInputRedirected)
        {
            streams.WriteErrorLine("reading the value from standard input; Ctrl-D ends it");
        }

        return await ReadStreamAsync(streams.In, bytesMax, cancellation).ConfigureAwait(false);
    }

    private static async Task<ReadOnlyMemory<byte>> ReadFileAsync(
        string path, int bytesMax, CancellationToken cancellation)
    {
        if (path.Length == 0)
        {
            throw CommandFailure.Usage("--file needs a path");
        }

        if (Directory.Exists(path))
        {
            throw CommandFailure.Local($"the value cannot be read: {path} is a folder");
        }

        await using DescriptorStream stream = await OpenAsync(path, cancellation).ConfigureAwait(false);
        return await ReadStreamAsync(stream, bytesMax, cancellation).ConfigureAwait(false);
    }

    // A FIFO opens when somebody writes into it, which may be never.
    private static async Task<DescriptorStream> OpenAsync(string path, CancellationToken cancellation)
    {
        try
        {
            SafeFileHandle handle = await Task.Run(
                () => File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite),
                cancellation).WaitAsync(cancellation).ConfigureAwait(false);
            return new DescriptorStream(handle, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandFailure.Local($"the value cannot be read: {e.Message}", e);
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadStreamAsync(
        Stream stream, int bytesMax, CancellationToken cancellation)
    {
        byte[] buffer = new byte[16 * 1024];
        int length = 0;
        while (true)
        {
            int read = await stream.ReadAsync(buffer.AsMemory(length), cancellation).ConfigureAwait(false);
            length += read;
            if (length > bytesMax)
            {
                throw TooLarge(bytesMax);
            }

            if (read == 0)
            {
                return buffer.AsMemory(0, length);
            }

            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, Math.Min(2 * buffer.Length, bytesMax + 1));
            }
        }
    }

    private static CommandFailure TooLarge(int bytesMax) => new(
        ExitCode.Refused,
        "refused",
        $"the value is larger than {Quantity.Bytes(bytesMax)}, the most a record holds; put it in pieces");
}
