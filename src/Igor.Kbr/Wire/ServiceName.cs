using MessagePack;

namespace Igor.Kbr.Wire;

/// <summary>A service as a peer names it: [service, name, ...].</summary>
internal readonly record struct ServiceName(ServiceId Id, string Name)
{
    private const int FieldCount = 2;

    /// <summary>Whether the id is that of the name; else it is a collision or a lie.</summary>
    public bool IsRight => Id == ServiceId.Base
        ? Name.Length == 0
        : ServiceId.IsValidName(Name) && ServiceId.FromName(Name) == Id;

    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(FieldCount);
        PeerCodec.WriteService(ref writer, Id);
        writer.Write(Name);
    }

    public static ServiceName Read(ref MessagePackReader reader)
    {
        int further = FurtherFields.After(FieldCount, reader.ReadArrayHeader(), "a service");
        var service = new ServiceName(
            PeerCodec.ReadService(ref reader), PeerCodec.ReadText(ref reader, ServiceId.NameLengthMax));
        FurtherFields.Skip(ref reader, further);
        return service;
    }
}
