using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>Says with a period that the sender lives, and what both may compare.</summary>
/// <param name="ServicesVersion">Of what the sender runs; an unknown one is asked for.</param>
/// <param name="Digest">
/// The sum over all rings that the two share of the terms of the nodes that both must know.
/// </param>
/// <param name="WallClockMs">
/// What the sender's wall clock shows, in milliseconds since 1970 UTC; 0 when unknown.
/// </param>
/// <param name="IsWanted">Whether the sender needs the connection, as neighbour or finger.</param>
internal readonly record struct HeartbeatMessage(
    ulong ServicesVersion, ulong Digest, long WallClockMs, bool IsWanted) : IWireMessage<HeartbeatMessage>
{
    public static MessageType Type => MessageType.Heartbeat;

    public static int FieldCount => 4;

    public void Write(ref MessagePackWriter writer)
    {
        writer.Write(ServicesVersion);
        writer.Write(Digest);
        writer.Write(WallClockMs);
        writer.Write(IsWanted);
    }

    public static HeartbeatMessage Read(ref MessagePackReader reader) => new(
        reader.ReadUInt64(),
        reader.ReadUInt64(),
        PeerCodec.ReadWallClock(ref reader),
        reader.ReadBoolean());
}
