using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>Asks for a <see cref="ServicesMessage"/>: what the receiver runs.</summary>
/// <param name="Known">The version that the sender knows; 0 when none.</param>
internal readonly record struct ServicesQueryMessage(ulong Known) : IWireMessage<ServicesQueryMessage>
{
    public static MessageType Type => MessageType.ServicesQuery;

    public void Write(ref MessagePackWriter writer) => writer.Write(Known);

    public static ServicesQueryMessage Read(ref MessagePackReader reader) =>
        new(reader.ReadUInt64());
}
