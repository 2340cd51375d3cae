using System.Buffers;

namespace Igor.Dht.Storage.Segments;

/// <summary>How the reading of an entry ended.</summary>
internal enum EntryReading
{
    /// <summary>The entry is as it was written.</summary>
    Intact,

    /// <summary>The bytes at the place are not the entry that was written there.</summary>
    Damaged,

    /// <summary>The segment was deleted: compaction has moved the entry.</summary>
    Gone,
}

/// <summary>Reads single entries.</summary>
internal static class EntryReader
{
    // A record of common size comes with one call to the kernel.
    private const int FirstReadBytes = 4096;

    /// <summary>Reads the entry at an offset and verifies it.</summary>
    public static EntryReading Read(Segment segment, long offset, out EntryHeader header, out byte[]? body)
    {
        body = null;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstReadBytes);
        try
        {
            int got = segment.Read(buffer.AsSpan(0, FirstReadBytes), offset);
            if (!SegmentCodec.TryReadHeader(buffer.AsSpan(0, got), segment.Id, offset, out header))
            {
                return EntryReading.Damaged;
            }

            if (offset + SegmentCodec.HeaderBytes + header.BodyLength > segment.Length)
            {
                return EntryReading.Damaged;
            }

            var bytes = new byte[header.BodyLength];
            int have = Math.Min(got - SegmentCodec.HeaderBytes, bytes.Length);
            buffer.AsSpan(SegmentCodec.HeaderBytes, have).CopyTo(bytes);
            if (!ReadRest(segment, offset + SegmentCodec.HeaderBytes, bytes, have)
                || !SegmentCodec.IsIntact(header, bytes))
            {
                return EntryReading.Damaged;
            }

            body = bytes;
            return EntryReading.Intact;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static bool ReadRest(Segment segment, long bodyAt, byte[] bytes, int have)
    {
        while (have < bytes.Length)
        {
            int got = segment.Read(bytes.AsSpan(have), bodyAt + have);
            if (got == 0)
            {
                return false;
            }

            have += got;
        }

        return true;
    }
}
