using System.Buffers;
using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>
/// The answer to a <see cref="NearQuery"/>, as the payload of a reply: [contacts, ...], the root first, then
/// its neighbours.
/// </summary>
internal static class NearReply
{
    private const int FieldCount = 1;

    public static ReadOnlyMemory<byte> Write(ImmutableArray<Contact> contacts)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(FieldCount);
        PeerCodec.WriteContacts(ref writer, contacts);
        writer.Flush();
        return buffer.WrittenMemory;
    }

    public static bool TryRead(ReadOnlyMemory<byte> payload, out ImmutableArray<Contact> contacts)
    {
        bool isReply = PeerCodec.TryRead(
            payload,
            static (ref MessagePackReader reader) =>
            {
                PeerCodec.Require(reader.ReadArrayHeader() >= FieldCount, "an answer has contacts");
                return PeerCodec.ReadContacts(ref reader);
            },
            out contacts,
            out _);
        contacts = isReply ? contacts : [];
        return isReply;
    }
}
