using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>Asks whether the receiver has a request; <see cref="RequestStateMessage"/> answers.</summary>
/// <param name="HopId">What the sender called the request when it passed it to the receiver.</param>
internal readonly record struct RequestQueryMessage(ulong HopId) : IWireMessage<RequestQueryMessage>
{
    public static MessageType Type => MessageType.RequestQuery;

    public void Write(ref MessagePackWriter writer) => writer.Write(HopId);

    public static RequestQueryMessage Read(ref MessagePackReader reader) =>
        new(reader.ReadUInt64());
}
