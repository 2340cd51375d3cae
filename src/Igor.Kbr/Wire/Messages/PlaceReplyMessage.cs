using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>The answer to a <see cref="PlaceQueryMessage"/>.</summary>
/// <param name="Free">Rings in which the sender knows nobody between itself and the receiver.</param>
/// <param name="Refused">Rings in which it does not say: it has no place there itself.</param>
/// <param name="Ring">One more ring, in which it knows somebody.</param>
/// <param name="Nearer">Those there; none: there is no such ring.</param>
internal readonly record struct PlaceReplyMessage(
    ImmutableArray<ServiceId> Free,
    ImmutableArray<ServiceId> Refused,
    ServiceId Ring,
    ImmutableArray<Contact> Nearer) : IWireMessage<PlaceReplyMessage>
{
    public static MessageType Type => MessageType.PlaceReply;

    public static int FieldCount => 4;

    public void Write(ref MessagePackWriter writer)
    {
        PeerCodec.WriteServices(ref writer, Free);
        PeerCodec.WriteServices(ref writer, Refused);
        PeerCodec.WriteService(ref writer, Ring);
        PeerCodec.WriteContacts(ref writer, Nearer);
    }

    public static PlaceReplyMessage Read(ref MessagePackReader reader) => new(
        PeerCodec.ReadServices(ref reader, 2 * WireLimits.PlacesMax),
        PeerCodec.ReadServices(ref reader, 2 * WireLimits.PlacesMax),
        PeerCodec.ReadService(ref reader),
        PeerCodec.ReadContacts(ref reader));
}
