using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Kbr;

// Brings a catalogue up to the end of the log by walking the segments from where its index ends; from the
// very start for an empty index, which is how one is rebuilt. Entries are taken in the order in which they
// were written.

namespace Igor.Dht.Storage.Opening;

/// <summary>Applies the log to a catalogue.</summary>
internal sealed class Replay(StoreContext store, Catalog catalog)
{
    private const int PublishEvery = 256;

    private readonly List<Effect> _effects = [];
    private readonly List<Note> _notes = [];
    private readonly Dictionary<Key, StoredRecord?> _staged = [];

    /// <summary>Replays everything from a position on.</summary>
    public void Run(LogPosition from)
    {
        foreach (Segment segment in store.Log.Segments)
        {
            if (segment.Id >= from.Segment)
            {
                long offset = segment.Id == from.Segment ? Math.Min(from.Offset, segment.Length) : 0;
                using var scanner = new SegmentScanner(segment, offset, segment.Length);
                Walk(scanner, segment);
            }
        }
    }

    /// <summary>
    /// Walks the last segment from a position on, to see where its intact entries end: what follows was torn
    /// when the process died, and never acknowledged.
    /// </summary>
    public static (long IntactEnd, bool IsSealed, bool IsBroken) EndOf(Segment segment, long from)
    {
        using var scanner = new SegmentScanner(segment, from, segment.Length);
        while (scanner.TryNext(out _))
        {
        }

        return (scanner.IntactEnd, scanner.IsSealed, scanner.DamagedStretches > 0 || scanner.HasUnreadable);
    }

    private void Walk(SegmentScanner scanner, Segment segment)
    {
        var damaged = new List<ScannedEntry>();
        while (scanner.TryNext(out ScannedEntry entry))
        {
            if (!entry.IsIntact)
            {
                damaged.Add(entry);
                continue;
            }

            Apply(entry);
            if (_effects.Count + _notes.Count >= PublishEvery)
            {
                Publish(EndOf(scanner, segment));
            }
        }

        Publish(EndOf(scanner, segment));
        Report(scanner, segment, damaged);
    }

    /// <summary>
    /// How far a scan has come; after the seal of a segment, that is the start of the next one.
    /// </summary>
    private static LogPosition EndOf(SegmentScanner scanner, Segment segment) => scanner.IsSealed
        ? new LogPosition(segment.Id + 1, 0)
        : new LogPosition(segment.Id, scanner.IntactEnd);

    private void Report(SegmentScanner scanner, Segment segment, List<ScannedEntry> damaged)
    {
        bool isLast = segment.Id == store.Log.Segments[^1].Id;
        foreach (ScannedEntry entry in damaged)
        {
            bool isTorn = isLast && entry.Place.Offset >= scanner.IntactEnd && !scanner.HasUnreadableTail;
            if (!isTorn && entry.Header.Kind == EntryKind.Record)
            {
                store.Ledger.AddRecord(entry.Header.Key, segment.Id);
            }
        }

        bool isCutShort = damaged.Count == 0
            && (scanner.HasUnreadableTail || (!isLast && !scanner.IsSealed));
        int stretches = scanner.DamagedStretches + (isCutShort ? 1 : 0);
        if (stretches > 0)
        {
            store.Ledger.AddStretches(stretches, segment.Id);
        }
    }

    private void Apply(in ScannedEntry entry)
    {
        switch (entry.Header.Kind)
        {
            case EntryKind.Record when RecordCodec.TryDecode(entry.Body, out _) is Record record:
                ApplyRecord(record.Header, entry.Place);
                break;
            case EntryKind.Removal:
                ApplyRemoval(entry.Header, entry.Body.Span, entry.Place);
                break;
            case EntryKind.Note
                when NoteCodec.TryDecode(entry.Body.Span, out string name, out byte[] content):
                if (catalog.FindNote(name) is not Note known || known.Sequence <= entry.Header.Version.Clock)
                {
                    _notes.Add(new Note(name, content, entry.Header.Version.Clock, entry.Place));
                }

                break;
        }
    }

    private void ApplyRecord(RecordHeader header, Place place)
    {
        // The same version again is a copy that compaction made: it is the one that stays.
        StoredRecord? stored = Current(header.Key);
        if (stored is null || stored.Value.Version <= header.Version)
        {
            _effects.Add(new Effect(header.Key, new IndexEntry(header, place), stored, null));
            _staged[header.Key] = new StoredRecord(header.Version, place, header.Owner);
        }
    }

    /// <summary>
    /// A removal is of what was written before it; its copies, which compaction makes, lie further back.
    /// </summary>
    private void ApplyRemoval(in EntryHeader header, ReadOnlySpan<byte> body, Place place)
    {
        int hidesUpTo = RemovalCodec.Decode(body);
        StoredRecord? stored = Current(header.Key);
        bool isHit = stored is not null && stored.Value.Version <= header.Version
            && (hidesUpTo == 0 || stored.Value.Place.Segment <= hidesUpTo);
        if (isHit || stored is null)
        {
            _effects.Add(new Effect(header.Key, null, stored, place));
            _staged[header.Key] = null;
        }
    }

    private StoredRecord? Current(Key key) =>
        _staged.TryGetValue(key, out StoredRecord? staged) ? staged : store.Current(catalog, key);

    private void Publish(LogPosition end)
    {
        catalog.Publish(_effects, _notes, end);
        _effects.Clear();
        _notes.Clear();
        _staged.Clear();
        while (catalog.NextBatch(isForced: false) is IndexBatch batch)
        {
            catalog.Index.Apply(batch);
            catalog.Taken(batch);
        }
    }
}
