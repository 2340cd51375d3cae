using System.Collections.Immutable;
using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>Whom the sender has near itself in a ring.</summary>
/// <param name="Service">The ring.</param>
/// <param name="WantsReply">Whether it asks for the same.</param>
/// <param name="Contacts">The sender first, then its neighbours.</param>
internal readonly record struct NeighboursMessage(
    ServiceId Service, bool WantsReply, ImmutableArray<Contact> Contacts) : IWireMessage<NeighboursMessage>
{
    public static MessageType Type => MessageType.Neighbours;

    public static int FieldsMin => 3;

    public void Write(ref MessagePackWriter writer)
    {
        WireMessage.Begin(ref writer, Type, 3);
        PeerCodec.WriteService(ref writer, Service);
        writer.Write(WantsReply);
        PeerCodec.WriteContacts(ref writer, Contacts);
    }

    public static NeighboursMessage Read(ref MessagePackReader reader, int fields) => new(
        PeerCodec.ReadService(ref reader), reader.ReadBoolean(), PeerCodec.ReadContacts(ref reader));
}
