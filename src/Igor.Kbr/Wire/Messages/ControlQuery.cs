using System.Buffers;
using System.Collections.Immutable;
using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>What a control request asks the overlay at a ring's root.</summary>
internal enum ControlKind
{
    /// <summary>Who is near the destination? The answer is a <see cref="NearReply"/>.</summary>
    Near = 0,
}

/// <summary>
/// The payload of a control request: [kind, ...]; of kind near: [0, contactsMax, known, ...], the last two
/// together or not at all.
/// </summary>
internal static class ControlQuery
{
    private const int NearFieldCount = 3;

    /// <summary>
    /// Asks who is near the destination: so many are enough, and none of those whose short terms are known.
    /// </summary>
    public static ReadOnlySpan<byte> NearUnknown(int contactsMax, ImmutableArray<uint> known)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(NearFieldCount);
        writer.Write((byte)ControlKind.Near);
        writer.Write(contactsMax);
        PeerCodec.WriteTerms(ref writer, known);
        writer.Flush();
        return buffer.WrittenSpan;
    }

    /// <summary>Reads which contacts are asked for; all when the payload does not say.</summary>
    public static (int ContactsMax, ImmutableArray<uint> Known) ReadNear(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var reader = new MessagePackReader(payload);
            if (reader.ReadArrayHeader() >= NearFieldCount)
            {
                reader.Skip();
                return (reader.ReadInt32(), PeerCodec.ReadTerms(ref reader));
            }
        }
        catch (Exception e) when (PeerCodec.IsDecodeFailure(e))
        {
            // Whoever asks so gets more than it wanted.
        }

        return (WireLimits.ContactsMax, []);
    }

    /// <summary>Reads what is asked, known or not; false when the payload asks nothing.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> payload, out ControlKind kind)
    {
        bool isQuery = WireMessage.TryReadType(payload, out int number);
        kind = (ControlKind)number;
        return isQuery;
    }
}
