using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>Whether the sender needs the connection, as neighbour or finger.</summary>
/// <param name="IsWanted">It does.</param>
internal readonly record struct LinkUseMessage(bool IsWanted) : IWireMessage<LinkUseMessage>
{
    public static MessageType Type => MessageType.LinkUse;

    public static int FieldsMin => 1;

    public void Write(ref MessagePackWriter writer)
    {
        WireMessage.Begin(ref writer, Type, 1);
        writer.Write(IsWanted);
    }

    public static LinkUseMessage Read(ref MessagePackReader reader, int fields) =>
        new(reader.ReadBoolean());
}
