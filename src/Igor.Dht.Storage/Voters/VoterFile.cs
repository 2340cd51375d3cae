using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;

// The bytes of a voter's log. All integers are little-endian:
//
//   file    0 "IGORVOTE"   8 incarnation (8)   16 checksum of the network's name (8)   24 of the first 24 (8)
//   frame   0 "VIEW"       4 length of what follows the head (4)   8 checksum (8)   16 entries
//   entry   0 length (4)   4 its bytes
//
// Checksums are XxHash3. That of a frame covers length and entries, and is seeded with its place and the
// incarnation: what lies there from another time is none. What is synced at once is one frame, written when
// the one before is durable, so that only the last one can be half there, and nobody was told of that.

namespace Igor.Dht.Storage.Voters;

/// <summary>What a file holds of a voter's log.</summary>
/// <param name="Incarnation">Which store it is.</param>
/// <param name="Entries">The entries, in their order.</param>
/// <param name="IntactBytes">The length up to the last whole frame.</param>
/// <param name="WasThere">Whether it was read; else it was made now.</param>
internal sealed record VoterFile(
    ulong Incarnation, IReadOnlyList<ReadOnlyMemory<byte>> Entries, int IntactBytes, bool WasThere)
{
    private const int HeadBytes = 32;
    private const int FrameHeadBytes = 16;

    private static ReadOnlySpan<byte> FileMagic => "IGORVOTE"u8;

    private static ReadOnlySpan<byte> FrameMagic => "VIEW"u8;

    /// <summary>An empty log, of an incarnation that never was before.</summary>
    public static VoterFile New() => new(
        BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong))),
        [],
        HeadBytes,
        WasThere: false);

    /// <summary>The head of a file.</summary>
    public static byte[] Head(ulong incarnation, string network)
    {
        byte[] head = new byte[HeadBytes];
        FileMagic.CopyTo(head);
        BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(8), incarnation);
        BinaryPrimitives.WriteUInt64LittleEndian(
            head.AsSpan(16), XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(network)));
        BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(24), XxHash3.HashToUInt64(head.AsSpan(0, 24)));
        return head;
    }

    /// <summary>
    /// Entries as frames that stand from a place on, each of at most so many bytes if it has several entries.
    /// </summary>
    public static IEnumerable<byte[]> Frames(
        ulong incarnation, long at, IReadOnlyList<ReadOnlyMemory<byte>> entries, int bytesMax)
    {
        for (int first = 0; first < entries.Count;)
        {
            int bytes = FrameHeadBytes;
            int end = first;
            while (end < entries.Count
                && (end == first || bytes + sizeof(int) + entries[end].Length <= bytesMax))
            {
                bytes += sizeof(int) + entries[end++].Length;
            }

            byte[] frame = new byte[bytes];
            FrameMagic.CopyTo(frame);
            BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(4), bytes - FrameHeadBytes);
            int place = FrameHeadBytes;
            for (; first < end; first++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(place), entries[first].Length);
                entries[first].Span.CopyTo(frame.AsSpan(place + sizeof(int)));
                place += sizeof(int) + entries[first].Length;
            }

            BinaryPrimitives.WriteUInt64LittleEndian(
                frame.AsSpan(8), Checksum(incarnation, at, frame.AsSpan(FrameHeadBytes)));
            yield return frame;
            at += frame.Length;
        }
    }

    /// <summary>
    /// What a file holds; null when its head is none of this network's, or a frame is damaged that others
    /// follow.
    /// </summary>
    public static VoterFile? TryRead(byte[] file, string network)
    {
        if (file.Length < HeadBytes || !file.AsSpan(0, 8).SequenceEqual(FileMagic))
        {
            return null;
        }

        ulong incarnation = BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(8));
        if (!file.AsSpan(0, HeadBytes).SequenceEqual(Head(incarnation, network)))
        {
            return null;
        }

        var entries = new List<ReadOnlyMemory<byte>>();
        int at = HeadBytes;
        while (FrameAt(file, at, incarnation) is { } frame)
        {
            for (int place = 0; place < frame.Length;)
            {
                int length = BinaryPrimitives.ReadInt32LittleEndian(frame.Span[place..]);
                entries.Add(frame.Slice(place + sizeof(int), length));
                place += sizeof(int) + length;
            }

            at += FrameHeadBytes + frame.Length;
        }

        return HasFrameAfter(file, at, incarnation)
            ? null
            : new VoterFile(incarnation, entries, at, WasThere: true);
    }

    private static bool HasFrameAfter(byte[] file, int at, ulong incarnation)
    {
        while (at + 1 < file.Length)
        {
            int found = file.AsSpan(at + 1).IndexOf(FrameMagic);
            if (found < 0)
            {
                return false;
            }

            at += 1 + found;
            if (FrameAt(file, at, incarnation) is not null)
            {
                return true;
            }
        }

        return false;
    }

    private static ReadOnlyMemory<byte>? FrameAt(byte[] file, int at, ulong incarnation)
    {
        if (at + FrameHeadBytes > file.Length || !file.AsSpan(at, 4).SequenceEqual(FrameMagic))
        {
            return null;
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4));
        if (length <= 0 || length > file.Length - at - FrameHeadBytes)
        {
            return null;
        }

        Memory<byte> frame = file.AsMemory(at + FrameHeadBytes, length);
        ulong checksum = BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at + 8));
        return checksum == Checksum(incarnation, at, frame.Span) ? frame : null;
    }

    private static ulong Checksum(ulong incarnation, long at, ReadOnlySpan<byte> entries) =>
        XxHash3.HashToUInt64(entries, (long)incarnation ^ (at << 32) ^ entries.Length);
}
