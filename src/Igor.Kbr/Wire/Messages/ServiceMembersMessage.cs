using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>The answer to a <see cref="ServiceQueryMessage"/>.</summary>
/// <param name="Service">The service.</param>
/// <param name="Contacts">Members that the sender is connected to, those nearest to the asker.</param>
internal readonly record struct ServiceMembersMessage(ServiceId Service, ImmutableArray<Contact> Contacts)
    : IWireMessage<ServiceMembersMessage>
{
    public static MessageType Type => MessageType.ServiceMembers;

    public static int FieldCount => 2;

    public void Write(ref MessagePackWriter writer)
    {
        PeerCodec.WriteService(ref writer, Service);
        PeerCodec.WriteContacts(ref writer, Contacts);
    }

    public static ServiceMembersMessage Read(ref MessagePackReader reader) =>
        new(PeerCodec.ReadService(ref reader), PeerCodec.ReadContacts(ref reader));
}
