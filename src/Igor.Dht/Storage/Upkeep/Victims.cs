using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;

namespace Igor.Dht.Storage.Upkeep;

/// <summary>Chooses what to compact.</summary>
internal static class Victims
{
    // Removals may make up this share of the log before the oldest segments, for whose sake they are kept,
    // are rewritten.
    private const double RemovalShareMax = 0.25;

    /// <summary>
    /// The segment with the largest dead share, if that is large enough; null when there is none.
    /// </summary>
    public static int? Choose(Catalog catalog, SegmentLog log, RecordStoreOptions options)
    {
        // What is written but not visible yet would look dead.
        int visibleTo = catalog.PublishedTo.Segment;
        Dictionary<int, SegmentUse> byId = catalog.SegmentUses().ToDictionary();
        Segment[] full = [.. log.Segments.Where(segment => segment.Id < Math.Min(visibleTo, log.ActiveId))];
        if (full.Length > 0 && full[^1].Id == log.Segments[^1].Id)
        {
            // The newest segment stays whatever is in it, so that no id is used twice.
            full = full[..^1];
        }

        full = [.. full.Where(segment => !segment.IsStuck)];
        Segment? best = full.MaxBy(DeadShare);
        if (best is not null && DeadShare(best) >= options.CompactionGarbageShare)
        {
            return best.Id;
        }

        long removals = byId.Values.Sum(use => use.RemovalBytes);
        bool areTooMany = full.Length > 0
            && removals > Math.Max(options.SegmentBytesMax, log.DiskBytes * RemovalShareMax);
        return areTooMany ? full[0].Id : null;

        double DeadShare(Segment segment)
        {
            SegmentUse use = byId.GetValueOrDefault(segment.Id);
            return 1 - ((use.LiveBytes + use.RemovalBytes) / (double)Math.Max(1, segment.Length));
        }
    }
}
