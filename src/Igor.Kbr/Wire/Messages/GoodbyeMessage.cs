using System.Collections.Immutable;
using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>The last message on a connection.</summary>
/// <param name="Reason">Why it ends.</param>
/// <param name="Text">The same for people.</param>
/// <param name="Addresses">
/// Of a duplicate: where the other node with that id is; default in any other goodbye.
/// </param>
internal readonly record struct GoodbyeMessage(
    GoodbyeReason Reason, string Text, ImmutableArray<string> Addresses = default)
    : IWireMessage<GoodbyeMessage>
{
    private const int FieldCount = 3;

    public static MessageType Type => MessageType.Goodbye;

    public static int FieldsMin => 2;

    public void Write(ref MessagePackWriter writer)
    {
        WireMessage.Begin(ref writer, Type, Addresses.IsDefault ? FieldsMin : FieldCount);
        writer.Write((int)Reason);
        writer.Write(Text);
        if (!Addresses.IsDefault)
        {
            PeerCodec.WriteAddresses(ref writer, Addresses);
        }
    }

    public static GoodbyeMessage Read(ref MessagePackReader reader, int fields)
    {
        var reason = (GoodbyeReason)reader.ReadInt32();
        string text = PeerCodec.ReadText(ref reader, WireLimits.TextLengthMax);
        return new GoodbyeMessage(
            reason,
            text,
            reason == GoodbyeReason.Duplicate && fields >= FieldCount
                ? PeerCodec.ReadAddresses(ref reader)
                : default);
    }
}
