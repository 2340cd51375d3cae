using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;

namespace Igor.Dht.Storage.Upkeep;

/// <summary>A segment to compact.</summary>
/// <param name="Segment">Its number.</param>
/// <param name="BytesToCopy">What has to be written elsewhere before it can be deleted.</param>
internal readonly record struct Victim(int Segment, long BytesToCopy);

/// <summary>Chooses what to compact.</summary>
internal static class Victims
{
    // Removals may make up this share of the log before the oldest segments, for whose sake they are kept,
    // are rewritten.
    private const double RemovalShareMax = 0.25;

    // On a full disk less garbage than usual is worth the copying, but not next to none.
    private const double FullDiskGarbageShare = 0.1;
    private const long FullDiskGarbageBytesMin = 64 * 1024;

    /// <summary>
    /// The segment with the largest dead share, if that is large enough; null when there is none. One whose
    /// live part has no room elsewhere has to wait.
    /// </summary>
    public static int? Choose(StoreIndex index, SegmentLog log, RecordStoreOptions options, long roomBytes)
    {
        Dictionary<int, SegmentUse> byId = index.SegmentUses();
        Segment[] full =
            [.. Full(index, log).Where(segment => BytesToCopy(byId, segment) <= roomBytes)];
        Segment? best = full.MaxBy(segment => DeadShare(byId, segment));
        if (best is not null && DeadShare(byId, best) >= options.CompactionGarbageShare)
        {
            return best.Id;
        }

        long removals = byId.Values.Sum(use => use.RemovalBytes);
        bool areTooMany = full.Length > 0
            && removals > Math.Max(options.SegmentBytesMax, log.DiskBytes * RemovalShareMax);
        return areTooMany ? full[0].Id : null;
    }

    /// <summary>
    /// On a full disk: the segment with the least to copy, if that fits; the one that is appended to, which
    /// has to be sealed first, when no other is worth it. Null when there is none.
    /// </summary>
    public static Victim? ChooseForRoom(StoreIndex index, SegmentLog log, long roomBytes)
    {
        Dictionary<int, SegmentUse> byId = index.SegmentUses();
        Segment? best = Full(index, log).Where(IsWorthIt).MinBy(BytesToCopy);
        best ??= log.Find(log.ActiveId) is Segment active
            && index.PublishedTo.Segment == active.Id && IsWorthIt(active) ? active : null;
        return best is null ? null : new Victim(best.Id, BytesToCopy(best));

        bool IsWorthIt(Segment segment) =>
            DeadShare(byId, segment) >= FullDiskGarbageShare
            && segment.Length - BytesToCopy(segment) >= FullDiskGarbageBytesMin
            && BytesToCopy(segment) <= roomBytes;

        long BytesToCopy(Segment segment) => Victims.BytesToCopy(byId, segment);
    }

    private static long BytesToCopy(Dictionary<int, SegmentUse> byId, Segment segment)
    {
        SegmentUse use = byId.GetValueOrDefault(segment.Id);
        return use.LiveBytes + use.RemovalBytes;
    }

    /// <summary>The segments that can be compacted, oldest first.</summary>
    private static Segment[] Full(StoreIndex index, SegmentLog log)
    {
        // What is written but not visible yet would look dead.
        int visibleTo = index.PublishedTo.Segment;
        Segment[] full = [.. log.Segments.Where(segment => segment.Id < Math.Min(visibleTo, log.ActiveId))];
        if (full.Length > 0 && full[^1].Id == log.Segments[^1].Id)
        {
            // The newest segment stays whatever is in it, so that no id is used twice.
            full = full[..^1];
        }

        return [.. full.Where(segment => !segment.IsStuck)];
    }

    private static double DeadShare(Dictionary<int, SegmentUse> byId, Segment segment) =>
        1 - (BytesToCopy(byId, segment) / (double)Math.Max(1, segment.Length));
}
