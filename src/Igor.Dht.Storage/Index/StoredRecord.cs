using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

namespace Igor.Dht.Storage.Index;

/// <summary>The stored record of a key as a writer needs to know it.</summary>
internal readonly record struct StoredRecord(RecordVersion Version, Place Place, Key Owner);

/// <summary>A note: a small value beside the records.</summary>
internal sealed record Note(string Name, byte[] Content, ulong Sequence, Place Place);

/// <summary>The effect of a committed entry, or of several, on a key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Header">What is stored from now on; null when it is forgotten.</param>
/// <param name="Place">Where it is stored.</param>
/// <param name="Previous">What was stored before.</param>
/// <param name="Removal">The removal that was written, if any.</param>
/// <param name="Digest">The digest of what is stored from now on.</param>
internal readonly record struct Effect(
    Key Key, RecordHeader? Header, Place Place, StoredRecord? Previous, Place? Removal, uint Digest = 0);

/// <summary>What of a segment is in use.</summary>
/// <param name="LiveBytes">Bytes of entries that the index names, notes included.</param>
/// <param name="RemovalBytes">Bytes of removals, which compaction may have to keep.</param>
internal readonly record struct SegmentUse(long LiveBytes, long RemovalBytes)
{
    /// <summary>Adds up two uses.</summary>
    public static SegmentUse operator +(SegmentUse left, SegmentUse right) =>
        new(left.LiveBytes + right.LiveBytes, left.RemovalBytes + right.RemovalBytes);
}
