using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>Asks for a <see cref="PongMessage"/>.</summary>
/// <param name="Nonce">What the answer repeats.</param>
/// <param name="WallClockMs">
/// What the sender's wall clock shows, in milliseconds since 1970 UTC; 0 when unknown.
/// </param>
internal readonly record struct PingMessage(ulong Nonce, long WallClockMs) : IWireMessage<PingMessage>
{
    public static MessageType Type => MessageType.Ping;

    public static int FieldCount => 2;

    public void Write(ref MessagePackWriter writer)
    {
        writer.Write(Nonce);
        writer.Write(WallClockMs);
    }

    public static PingMessage Read(ref MessagePackReader reader) =>
        new(reader.ReadUInt64(), PeerCodec.ReadWallClock(ref reader));
}
