using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>The sender does not know messages of a type.</summary>
internal readonly record struct RefusedMessage(int RefusedType) : IWireMessage<RefusedMessage>
{
    public static MessageType Type => MessageType.Refused;

    public void Write(ref MessagePackWriter writer) => writer.Write(RefusedType);

    public static RefusedMessage Read(ref MessagePackReader reader) =>
        new(reader.ReadInt32());
}
