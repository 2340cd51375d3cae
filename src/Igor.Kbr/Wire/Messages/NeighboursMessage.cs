using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>Whom the receiver lacks in a ring, or whom the sender knows there, or both.</summary>
/// <param name="Service">The ring.</param>
/// <param name="WantsReply">Whether the sender asks for those whom it lacks.</param>
/// <param name="Contacts">Nodes that the receiver should know, by the sender's set.</param>
/// <param name="Known">
/// Short terms of the sender and its neighbours, clockwise; none: the sender knows nobody there.
/// </param>
internal readonly record struct NeighboursMessage(
    ServiceId Service, bool WantsReply, ImmutableArray<Contact> Contacts, ImmutableArray<uint> Known)
    : IWireMessage<NeighboursMessage>
{
    public static MessageType Type => MessageType.Neighbours;

    public static int FieldCount => 4;

    public void Write(ref MessagePackWriter writer)
    {
        PeerCodec.WriteService(ref writer, Service);
        writer.Write(WantsReply);
        PeerCodec.WriteContacts(ref writer, Contacts);
        PeerCodec.WriteTerms(ref writer, Known);
    }

    public static NeighboursMessage Read(ref MessagePackReader reader) => new(
        PeerCodec.ReadService(ref reader),
        reader.ReadBoolean(),
        PeerCodec.ReadContacts(ref reader),
        PeerCodec.ReadTerms(ref reader));
}
