using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>Asks for members of a service; the answer is a <see cref="ServiceMembersMessage"/>.</summary>
internal readonly record struct ServiceQueryMessage(ServiceId Service) : IWireMessage<ServiceQueryMessage>
{
    public static MessageType Type => MessageType.ServiceQuery;

    public void Write(ref MessagePackWriter writer) => PeerCodec.WriteService(ref writer, Service);

    public static ServiceQueryMessage Read(ref MessagePackReader reader) =>
        new(PeerCodec.ReadService(ref reader));
}
