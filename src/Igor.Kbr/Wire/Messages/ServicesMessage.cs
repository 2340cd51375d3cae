using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>
/// What the sender runs, told as the difference to what it ran: from one version to a later one. From version
/// 0, at which it ran nothing, it is the list from its beginning. What is too long for one message goes in
/// several, each from the version to which the one before led.
/// </summary>
/// <param name="From">The version that it changes.</param>
/// <param name="To">The version after it.</param>
/// <param name="Added">Services that it runs since then, none twice.</param>
/// <param name="Removed">Services that it does not run any more; none in a whole list.</param>
internal readonly record struct ServicesMessage(
    ulong From, ulong To, ImmutableArray<ServiceId> Added, ImmutableArray<ServiceId> Removed)
    : IWireMessage<ServicesMessage>
{
    public static MessageType Type => MessageType.Services;

    public static int FieldCount => 4;

    /// <summary>Services in one message, more go in the next: each may move neighbours in a ring.</summary>
    public const int ChangesMax = 64;

    /// <summary>Whether it stands for itself.</summary>
    internal bool IsWhole => From == 0;

    public void Write(ref MessagePackWriter writer)
    {
        writer.Write(From);
        writer.Write(To);
        PeerCodec.WriteServices(ref writer, Added);
        PeerCodec.WriteServices(ref writer, Removed);
    }

    public static ServicesMessage Read(ref MessagePackReader reader) => new(
        reader.ReadUInt64(),
        reader.ReadUInt64(),
        PeerCodec.ReadServices(ref reader, ChangesMax),
        PeerCodec.ReadServices(ref reader, ChangesMax));
}
