using System.Text;

namespace Igor.Dht.Cli.Tests;

/// <summary>Standard streams that a test can look into.</summary>
internal sealed class MemoryStreams : IDisposable
{
    public MemoryStreams(byte[]? input = null)
    {
        In = new MemoryStream(input ?? []);
        Streams = new CommandStreams(In, Out, Error);
    }

    public MemoryStream In { get; }

    public MemoryStream Out { get; } = new();

    public MemoryStream Error { get; } = new();

    public CommandStreams Streams { get; }

    public string OutText => Encoding.UTF8.GetString(Out.ToArray());

    public string ErrorText => Encoding.UTF8.GetString(Error.ToArray());

    public void Dispose()
    {
        In.Dispose();
        Out.Dispose();
        Error.Dispose();
    }
}
