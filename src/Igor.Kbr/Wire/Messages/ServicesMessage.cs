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

    /// <summary>
    /// Reads the version alone: most lists that come are old or soon replaced, and reading them costs.
    /// </summary>
    public static bool TryReadVersion(ReadOnlyMemory<byte> body, out ulong version)
    {
        version = 0;
        try
        {
            var reader = new MessagePackReader(body);
            int fields = reader.ReadArrayHeader() - 1;
            if (fields < FieldsMin || reader.ReadInt32() != (int)Type)
            {
                return false;
            }

            version = reader.ReadUInt64();
            return true;
        }
        catch (Exception e) when (PeerCodec.IsDecodeFailure(e))
        {
            return false;
        }
    }

    public static ServicesMessage Read(ref MessagePackReader reader, int fields) =>
        new(reader.ReadUInt64(), PeerCodec.ReadServices(ref reader));
}
