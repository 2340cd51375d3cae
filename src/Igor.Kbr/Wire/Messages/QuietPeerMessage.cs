using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>Says that a node did not answer the sender: who has it as neighbour may ask it now.</summary>
internal readonly record struct QuietPeerMessage(Key Peer) : IWireMessage<QuietPeerMessage>
{
    public static MessageType Type => MessageType.QuietPeer;

    public void Write(ref MessagePackWriter writer) => KeyCodec.Write(ref writer, Peer);

    public static QuietPeerMessage Read(ref MessagePackReader reader) =>
        new(KeyCodec.Read(ref reader));
}
