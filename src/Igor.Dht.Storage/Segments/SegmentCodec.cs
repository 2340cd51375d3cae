using System.Buffers.Binary;
using System.IO.Hashing;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

// The bytes of segments. All integers are little-endian, entries begin at multiples of 8:
//
//   file   0 "IGORSEG1"   8 segment id (4)   12 checksum of the other bytes (4)   16 salt (8)
//   entry  0 magic (4)    4 kind, 5 flags, 6 zero (2)   8 body length (4)   12 header checksum (4)
//          16 key (32)    48 version: clock (8), writer (8)   64 body checksum (8)   72 body, zeros up to 8
//
// Checksums are XxHash3. That of a header covers its place too (segment id and offset), so that bytes left
// over from another place, or written to the wrong one, are no entry.

namespace Igor.Dht.Storage.Segments;

/// <summary>Encodes and checks the entries of segments.</summary>
internal static class SegmentCodec
{
    /// <summary>Bytes before the first entry of a segment.</summary>
    public const int FileHeaderBytes = 24;

    /// <summary>Bytes of an entry before its body.</summary>
    public const int HeaderBytes = 72;

    /// <summary>Entries begin at multiples of this, so that a scan finds the next one after damage.</summary>
    public const int Alignment = 8;

    /// <summary>
    /// Largest body: far above any record; a length beyond it is damage, and never taken memory for.
    /// </summary>
    public const int BodyBytesMax = 16 * 1024 * 1024;

    private const uint EntryMagic = 0x45_52_47_49; // "IGRE"
    private const int HeaderChecksumAt = 12;
    private const int KeyAt = 16;
    private const int SaltAt = 16;
    private const int BodyChecksumAt = 64;

    private static ReadOnlySpan<byte> FileMagic => "IGORSEG1"u8;

    /// <summary>Bytes that an entry with such a body takes.</summary>
    public static int EntryBytes(int bodyLength) =>
        (HeaderBytes + bodyLength + Alignment - 1) & ~(Alignment - 1);

    /// <summary>Writes the head of a segment file.</summary>
    /// <param name="destination">Where it goes.</param>
    /// <param name="segment">The number of the segment.</param>
    /// <param name="salt">What tells the file from every other, of the same number too.</param>
    public static void WriteFileHeader(Span<byte> destination, int segment, ulong salt)
    {
        FileMagic.CopyTo(destination);
        BinaryPrimitives.WriteInt32LittleEndian(destination[8..], segment);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[SaltAt..], salt);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], FileChecksum(destination));
    }

    /// <summary>The salt of a segment file; null for bytes that do not head the segment of that id.</summary>
    public static ulong? SaltOf(ReadOnlySpan<byte> source, int segment) =>
        source.Length >= FileHeaderBytes
        && source[..8].SequenceEqual(FileMagic)
        && BinaryPrimitives.ReadInt32LittleEndian(source[8..]) == segment
        && BinaryPrimitives.ReadUInt32LittleEndian(source[12..]) == FileChecksum(source)
            ? BinaryPrimitives.ReadUInt64LittleEndian(source[SaltAt..])
            : null;

    /// <summary>Writes a whole entry; the destination has exactly <see cref="EntryBytes"/> bytes.</summary>
    public static void WriteEntry(
        Span<byte> destination,
        Place place,
        EntryKind kind,
        EntryFlags flags,
        Key key,
        RecordVersion version,
        ReadOnlySpan<byte> body)
    {
        Span<byte> header = destination[..HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, EntryMagic);
        header[4] = (byte)kind;
        header[5] = (byte)flags;
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], 0);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], body.Length);
        key.Write(header[KeyAt..]);
        BinaryPrimitives.WriteUInt64LittleEndian(header[48..], version.Clock);
        BinaryPrimitives.WriteUInt64LittleEndian(header[56..], version.Writer);
        BinaryPrimitives.WriteUInt64LittleEndian(header[BodyChecksumAt..], XxHash3.HashToUInt64(body));
        BinaryPrimitives.WriteUInt32LittleEndian(
            header[HeaderChecksumAt..], HeaderChecksum(header, place.Segment, place.Offset));
        body.CopyTo(destination[HeaderBytes..]);
        destination[(HeaderBytes + body.Length)..].Clear();
    }

    /// <summary>
    /// Reads the header of an entry; false for anything that is not an intact one of that very place.
    /// </summary>
    public static bool TryReadHeader(
        ReadOnlySpan<byte> source, int segment, long offset, out EntryHeader header)
    {
        header = default;
        if (source.Length < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(source) != EntryMagic)
        {
            return false;
        }

        source = source[..HeaderBytes];
        int bodyLength = BinaryPrimitives.ReadInt32LittleEndian(source[8..]);
        if (bodyLength is < 0 or > BodyBytesMax
            || BinaryPrimitives.ReadUInt32LittleEndian(source[HeaderChecksumAt..])
                != HeaderChecksum(source, segment, offset))
        {
            return false;
        }

        header = new EntryHeader(
            (EntryKind)source[4],
            (EntryFlags)source[5],
            bodyLength,
            Key.Read(source[KeyAt..]),
            new RecordVersion(
                BinaryPrimitives.ReadUInt64LittleEndian(source[48..]),
                BinaryPrimitives.ReadUInt64LittleEndian(source[56..])),
            BinaryPrimitives.ReadUInt64LittleEndian(source[BodyChecksumAt..]));
        return true;
    }

    /// <summary>Whether a body is the one that the header was written for.</summary>
    public static bool IsIntact(in EntryHeader header, ReadOnlySpan<byte> body) =>
        body.Length == header.BodyLength && XxHash3.HashToUInt64(body) == header.BodyChecksum;

    private static uint FileChecksum(ReadOnlySpan<byte> head) => (uint)XxHash3.HashToUInt64(
        head.Slice(SaltAt, 8), BinaryPrimitives.ReadInt32LittleEndian(head[8..]));

    private static uint HeaderChecksum(ReadOnlySpan<byte> header, int segment, long offset)
    {
        Span<byte> covered = stackalloc byte[HeaderBytes];
        header.CopyTo(covered);
        covered.Slice(HeaderChecksumAt, 4).Clear();
        return (uint)XxHash3.HashToUInt64(covered, ((long)segment << 40) ^ offset);
    }
}
