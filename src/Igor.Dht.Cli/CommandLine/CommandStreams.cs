using System.Text;

namespace Igor.Dht.Cli;

/// <summary>
/// The three standard streams as bytes. Console's writers are left alone: they cost start-up time, and a
/// value has to come out byte for byte.
/// </summary>
internal sealed record CommandStreams(Stream In, Stream Out, Stream Error)
{
    /// <summary>The streams of this process.</summary>
    public static CommandStreams Standard => new(
        Console.OpenStandardInput(), Console.OpenStandardOutput(), Console.OpenStandardError());

    /// <summary>Writes a text and a line end to standard output.</summary>
    public void WriteLine(string text) => Write(Out, text);

    /// <summary>Writes a text and a line end to standard error.</summary>
    public void WriteErrorLine(string text) => Write(Error, text);

    private static void Write(Stream stream, string text)
    {
        stream.Write(Encoding.UTF8.GetBytes(text + "\n"));
        stream.Flush();
    }
}
