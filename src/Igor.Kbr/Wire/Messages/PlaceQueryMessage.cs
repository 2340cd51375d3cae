using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>
/// Asks a member whether it knows others between itself and the sender, in many rings at once; the answer is
/// a <see cref="PlaceReplyMessage"/>.
/// </summary>
/// <param name="Next">Rings in which the receiver follows the sender clockwise.</param>
/// <param name="Previous">Rings in which it does counter-clockwise.</param>
internal readonly record struct PlaceQueryMessage(
    ImmutableArray<ServiceId> Next, ImmutableArray<ServiceId> Previous) : IWireMessage<PlaceQueryMessage>
{
    public static MessageType Type => MessageType.PlaceQuery;

    public static int FieldCount => 2;

    public void Write(ref MessagePackWriter writer)
    {
        PeerCodec.WriteServices(ref writer, Next);
        PeerCodec.WriteServices(ref writer, Previous);
    }

    public static PlaceQueryMessage Read(ref MessagePackReader reader) => new(
        PeerCodec.ReadServices(ref reader, WireLimits.PlacesMax),
        PeerCodec.ReadServices(ref reader, WireLimits.PlacesMax));
}
