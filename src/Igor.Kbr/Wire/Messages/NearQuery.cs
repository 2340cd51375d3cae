using System.Buffers;
using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>
/// Asks a ring's root who is near the destination, as the payload of a control request: [0, contactsMax,
/// known, ...]. There is no other kind of them than 0 yet. The answer is a <see cref="NearReply"/>.
/// </summary>
/// <param name="ContactsMax">So many are enough.</param>
/// <param name="Known">Short terms of nodes that are known, and not asked for.</param>
internal readonly record struct NearQuery(int ContactsMax, ImmutableArray<uint> Known)
{
    private const int Kind = 0;
    private const int FieldCount = 3;

    public ReadOnlySpan<byte> Write()
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(FieldCount);
        writer.Write(Kind);
        writer.Write(ContactsMax);
        PeerCodec.WriteTerms(ref writer, Known);
        writer.Flush();
        return buffer.WrittenSpan;
    }

    /// <summary>Reads a payload; false when it asks something else, or nothing.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> payload, out NearQuery query) => PeerCodec.TryRead(
        payload,
        static (ref MessagePackReader reader) =>
        {
            PeerCodec.Require(
                reader.ReadArrayHeader() >= FieldCount && reader.ReadInt32() == Kind, "kind 0 has 3 fields");
            return new NearQuery(reader.ReadInt32(), PeerCodec.ReadTerms(ref reader));
        },
        out query,
        out _);
}
