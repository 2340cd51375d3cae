using Igor.Dht.Cli.Failures;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Cli.Values;

/// <summary>The name of a record as it stands on the command line: bytes, which need not be text.</summary>
internal sealed class RecordName
{
    private readonly string _argument;

    /// <summary>Takes a name from an argument.</summary>
    /// <exception cref="CommandFailure">It is empty or too long.</exception>
    public RecordName(string argument)
    {
        _argument = argument;
        Bytes = ArgumentBytes.ToBytes(argument) ?? [];
        if (Bytes.Length is 0 or > DhtKey.NameBytesMax)
        {
            throw CommandFailure.Usage(
                $"the KEY has {Bytes.Length} bytes; a name has 1 to {DhtKey.NameBytesMax} bytes");
        }
    }

    /// <summary>The name.</summary>
    public byte[] Bytes { get; }

    /// <summary>The name for programs; null when it is no text.</summary>
    public string? Text => ArgumentBytes.IsText(_argument) ? _argument : null;

    /// <summary>The name for people, with what is no text or steers a terminal written out.</summary>
    public override string ToString() => PrintableText.Of(_argument);
}
