using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>The answer to a hello: its sender takes the other end as a peer.</summary>
/// <param name="Features">
/// What the sender can do beyond this version, one bit each; there are none yet.
/// </param>
/// <param name="FrameBytesMax">The largest frame that the sender takes; larger ones go another way.</param>
internal readonly record struct AcceptMessage(ulong Features, uint FrameBytesMax)
    : IWireMessage<AcceptMessage>
{
    public static MessageType Type => MessageType.Accept;

    public static int FieldCount => 2;

    public void Write(ref MessagePackWriter writer)
    {
        writer.Write(Features);
        writer.Write(FrameBytesMax);
    }

    public static AcceptMessage Read(ref MessagePackReader reader)
    {
        var accept = new AcceptMessage(reader.ReadUInt64(), reader.ReadUInt32());
        PeerCodec.Require(
            accept.FrameBytesMax >= WireLimits.FrameBytesLeast,
            $"a node takes frames of {WireLimits.FrameBytesLeast} bytes");
        return accept;
    }
}
