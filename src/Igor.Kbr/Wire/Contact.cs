using System.Text;
using MessagePack;

namespace Igor.Kbr.Wire;

/// <summary>A node and where it can be reached (host:port, best first): [key, addresses, ...].</summary>
internal readonly record struct Contact(Key Id, ImmutableArray<string> Addresses)
{
    private const int FieldCount = 2;

    /// <summary>Bytes that it takes in a message, or one or two more.</summary>
    public int SizeInBytes =>
        KeyCodec.SizeInBytes + 2 + Addresses.Sum(address => 3 + Encoding.UTF8.GetByteCount(address));

    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(FieldCount);
        KeyCodec.Write(ref writer, Id);
        PeerCodec.WriteAddresses(ref writer, Addresses);
    }

    public static Contact Read(ref MessagePackReader reader)
    {
        int further = reader.ReadArrayHeader() - FieldCount;
        PeerCodec.Require(further >= 0, "a contact is a key and addresses");
        var contact = new Contact(KeyCodec.Read(ref reader), PeerCodec.ReadAddresses(ref reader));
        FurtherFields.Skip(ref reader, further);
        return contact;
    }
}
