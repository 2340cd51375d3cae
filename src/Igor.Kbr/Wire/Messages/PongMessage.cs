using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>The answer to a <see cref="PingMessage"/>.</summary>
/// <param name="Nonce">That of the ping.</param>
/// <param name="WallClockMs">
/// What the sender's wall clock shows, in milliseconds since 1970 UTC; 0 when unknown.
/// </param>
internal readonly record struct PongMessage(ulong Nonce, long WallClockMs) : IWireMessage<PongMessage>
{
    public static MessageType Type => MessageType.Pong;

    public static int FieldCount => 2;

    public void Write(ref MessagePackWriter writer)
    {
        writer.Write(Nonce);
        writer.Write(WallClockMs);
    }

    public static PongMessage Read(ref MessagePackReader reader) =>
        new(reader.ReadUInt64(), PeerCodec.ReadWallClock(ref reader));
}
