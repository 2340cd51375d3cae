using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>A node drops requests, in the experience of the sender.</summary>
internal readonly record struct SilentPeerMessage(Key Node) : IWireMessage<SilentPeerMessage>
{
    public static MessageType Type => MessageType.SilentPeer;

    public void Write(ref MessagePackWriter writer) => KeyCodec.Write(ref writer, Node);

    public static SilentPeerMessage Read(ref MessagePackReader reader) =>
        new(KeyCodec.Read(ref reader));
}
