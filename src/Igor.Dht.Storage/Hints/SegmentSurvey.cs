using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Segments;

namespace Igor.Dht.Storage.Hints;

/// <summary>What was found when a segment was read from front to back.</summary>
/// <param name="IntactEnd">Where its intact entries end.</param>
/// <param name="IsSealed">Whether the last of them was the seal.</param>
/// <param name="HasUnreadable">Whether the disk could not read some of it.</param>
/// <param name="DamagedStretches">Number of stretches that are no entry.</param>
internal readonly record struct SegmentSurvey(
    long IntactEnd, bool IsSealed, bool HasUnreadable, int DamagedStretches)
{
    /// <summary>
    /// Whether more may be appended behind the intact entries: what follows them was torn when the process
    /// died.
    /// </summary>
    public bool CanFollow => !IsSealed && DamagedStretches == 0 && !HasUnreadable;

    /// <summary>Reads a segment, and gathers what stands in it.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="from">Where to begin.</param>
    /// <param name="isTail">
    /// Whether it was the one that was written last: a damaged end was torn then, and never acknowledged.
    /// </param>
    /// <param name="entries">Takes what stands in it.</param>
    public static SegmentSurvey Of(Segment segment, long from, bool isTail, HintEntries entries)
    {
        entries.Begin(segment);
        var damaged = new List<ScannedEntry>();
        using var scanner = new SegmentScanner(segment, from, segment.Length);
        while (scanner.TryNext(out ScannedEntry entry))
        {
            if (entry.IsIntact)
            {
                Take(entry, entries);
            }
            else
            {
                damaged.Add(entry);
            }
        }

        foreach (ScannedEntry entry in damaged)
        {
            bool isTorn = isTail && entry.Place.Offset >= scanner.IntactEnd && !scanner.HasUnreadableTail;
            if (!isTorn)
            {
                TakeDamaged(entry, entries);
            }
        }

        entries.Sort();
        bool isCutShort = damaged.Count == 0
            && (scanner.HasUnreadableTail || (!isTail && !scanner.IsSealed));
        var survey = new SegmentSurvey(
            scanner.IntactEnd,
            scanner.IsSealed,
            scanner.HasUnreadable,
            scanner.DamagedStretches + (isCutShort ? 1 : 0));
        entries.IsClosed = !isTail || !survey.CanFollow;
        entries.Covered = entries.IsClosed ? segment.Length : survey.IntactEnd;
        return survey;
    }

    private static void Take(in ScannedEntry entry, HintEntries entries)
    {
        switch (entry.Header.Kind)
        {
            case EntryKind.Record when RecordCodec.TryDecode(entry.Body, out _) is Record record:
                entries.AddRecord(record, entry.Place);
                break;
            case EntryKind.Record:
                entries.Add(HintKind.Damaged, entry.Header, entry.Place);
                break;
            case EntryKind.Removal:
                entries.Add(
                    HintKind.Removal, entry.Header, entry.Place, RemovalCodec.Decode(entry.Body.Span));
                break;
            case EntryKind.Note:
                entries.Add(HintKind.Note, entry.Header, entry.Place);
                break;
        }
    }

    /// <summary>
    /// The header is intact, so that which key and version it was of is known. A removal without its body
    /// hides what was written before it.
    /// </summary>
    private static void TakeDamaged(in ScannedEntry entry, HintEntries entries)
    {
        switch (entry.Header.Kind)
        {
            case EntryKind.Record:
                entries.Add(HintKind.Damaged, entry.Header, entry.Place);
                break;
            case EntryKind.Removal:
                entries.Add(HintKind.Removal, entry.Header, entry.Place, entry.Place.Segment);
                break;
        }
    }
}
