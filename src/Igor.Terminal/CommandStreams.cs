using System.Text;

namespace Igor.Terminal;

/// <summary>
/// The three standard streams as bytes. Console's writers are left alone: they cost start-up time, and a
/// value has to come out byte for byte.
/// </summary>
internal sealed record CommandStreams(Stream In, Stream Out, Stream Error)
{
    /// <summary>What cannot be said on standard error in this time is left unsaid.</summary>
    private static readonly TimeSpan ErrorPatience = TimeSpan.FromSeconds(1);

    /// <summary>The streams of this process.</summary>
    public static CommandStreams Standard => OperatingSystem.IsWindows()
        ? new(Console.OpenStandardInput(), Console.OpenStandardOutput(), Console.OpenStandardError())
        : new(
            DescriptorStream.Inherited(0, "standard input"),
            DescriptorStream.Inherited(1, "standard output"),
            DescriptorStream.Inherited(2, "standard error"));

    /// <summary>Writes a text and a line end to standard output.</summary>
    /// <exception cref="IOException">Standard output is closed or cannot be written.</exception>
    public async Task WriteLineAsync(string text, CancellationToken cancellation)
    {
        await Out.WriteAsync(Encoding.UTF8.GetBytes(text + "\n"), cancellation).ConfigureAwait(false);
        await Out.FlushAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Writes one line to standard error, with control characters written out. That nobody can read it
    /// changes nothing: the exit code says the rest.
    /// </summary>
    public void WriteErrorLine(string text)
    {
        string line = Kbr.PrintableText.Of(text.ReplaceLineEndings(" "));
        try
        {
            Task.Run(() =>
            {
                Error.Write(Encoding.UTF8.GetBytes(line + "\n"));
                Error.Flush();
            }).WaitAsync(ErrorPatience).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            // Closed, full, or nobody reads.
        }
    }
}
