using System.Collections.Immutable;
using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>What the sender runs: the whole list, whenever it changes.</summary>
/// <param name="Version">Grows with each change: a list with a smaller one than known is old.</param>
/// <param name="Services">The services that it is an active member of.</param>
internal readonly record struct ServicesMessage(ulong Version, ImmutableArray<ServiceName> Services)
    : IWireMessage<ServicesMessage>
{
    public static MessageType Type => MessageType.Services;

    public static int FieldsMin => 2;

    public void Write(ref MessagePackWriter writer)
    {
        WireMessage.Begin(ref writer, Type, 2);
        writer.Write(Version);
        PeerCodec.WriteServices(ref writer, Services);
    }

    public static ServicesMessage Read(ref MessagePackReader reader, int fields) =>
        new(reader.ReadUInt64(), PeerCodec.ReadServices(ref reader));
}
