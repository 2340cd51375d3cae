using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>The answer to a <see cref="RequestQueryMessage"/>.</summary>
/// <param name="HopId">What the asker called the request.</param>
/// <param name="IsHeld">Whether the sender has it still.</param>
internal readonly record struct RequestStateMessage(ulong HopId, bool IsHeld)
    : IWireMessage<RequestStateMessage>
{
    public static MessageType Type => MessageType.RequestState;

    public static int FieldCount => 2;

    public void Write(ref MessagePackWriter writer)
    {
        writer.Write(HopId);
        writer.Write(IsHeld);
    }

    public static RequestStateMessage Read(ref MessagePackReader reader) =>
        new(reader.ReadUInt64(), reader.ReadBoolean());
}
