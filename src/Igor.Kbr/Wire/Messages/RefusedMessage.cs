using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>The sender does not know messages of a type.</summary>
internal readonly record struct RefusedMessage(int RefusedType) : IWireMessage<RefusedMessage>
{
    public static MessageType Type => MessageType.Refused;

    public void Write(ref MessagePackWriter writer)
    {
        WireMessage.Begin(ref writer, Type, 1);
        writer.Write(RefusedType);
    }

    public static RefusedMessage Read(ref MessagePackReader reader, int fields) =>
        new(reader.ReadInt32());
}
