using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>Another live node has the receiver's id.</summary>
internal readonly record struct IdentityClashMessage(ImmutableArray<string> Addresses)
    : IWireMessage<IdentityClashMessage>
{
    public static MessageType Type => MessageType.IdentityClash;

    public void Write(ref MessagePackWriter writer) => PeerCodec.WriteAddresses(ref writer, Addresses);

    public static IdentityClashMessage Read(ref MessagePackReader reader) =>
        new(PeerCodec.ReadAddresses(ref reader));
}
