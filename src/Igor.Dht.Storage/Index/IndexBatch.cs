using Igor.Dht.Storage.Segments;
using Igor.Kbr;

namespace Igor.Dht.Storage.Index;

/// <summary>
/// A stretch of the log as the index takes it, in one transaction: all changes up to a position, and what the
/// store holds there. Indexes that took whole batches only are right about every position they claim.
/// </summary>
internal sealed class IndexBatch
{
    /// <summary>Changes in the order in which they happened.</summary>
    public List<PendingChange> Changes { get; } = [];

    /// <summary>Notes that changed.</summary>
    public List<Note> Notes { get; } = [];

    /// <summary>Number of changes, those of notes included.</summary>
    public int Count => Changes.Count + Notes.Count;

    /// <summary>Segments whose use changed; null for those that are gone.</summary>
    public Dictionary<int, SegmentUse?> Segments { get; } = [];

    /// <summary>Owners whose use changed, in bytes.</summary>
    public Dictionary<Key, long> Owners { get; } = [];

    /// <summary>Where the stretch ends.</summary>
    public LogPosition End { get; set; }

    /// <summary>Records at the end of the stretch.</summary>
    public long Records { get; set; }

    /// <summary>Bytes of records at the end of the stretch.</summary>
    public long LiveBytes { get; set; }

    /// <summary>When the first change came, in milliseconds of the tick count.</summary>
    public long BegunAtMs { get; set; }
}

/// <summary>What of a segment is in use.</summary>
/// <param name="LiveBytes">Bytes of entries that the index names, notes included.</param>
/// <param name="RemovalBytes">Bytes of removals, which compaction may have to keep.</param>
/// <param name="Length">Length of the segment's file.</param>
internal readonly record struct SegmentUse(long LiveBytes, long RemovalBytes, long Length);
