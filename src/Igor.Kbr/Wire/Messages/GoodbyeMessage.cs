using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>The last message on a connection.</summary>
/// <param name="Reason">Why it ends.</param>
/// <param name="Text">The same for people.</param>
/// <param name="Contacts">
/// Where to go instead: of a full node, other members of its ring; of a duplicate, the other node with that
/// id; none in any other goodbye.
/// </param>
internal readonly record struct GoodbyeMessage(
    GoodbyeReason Reason, string Text, ImmutableArray<Contact> Contacts)
    : IWireMessage<GoodbyeMessage>
{
    /// <summary>Makes a goodbye that leads nowhere.</summary>
    public GoodbyeMessage(GoodbyeReason reason, string text)
        : this(reason, text, [])
    {
    }

    public static MessageType Type => MessageType.Goodbye;

    public static int FieldCount => 3;

    public void Write(ref MessagePackWriter writer)
    {
        writer.Write((int)Reason);
        writer.Write(Text);
        PeerCodec.WriteContacts(ref writer, Contacts);
    }

    public static GoodbyeMessage Read(ref MessagePackReader reader) => new(
        (GoodbyeReason)reader.ReadInt32(),
        PeerCodec.ReadText(ref reader, WireLimits.TextLengthMax),
        PeerCodec.ReadContacts(ref reader));
}
