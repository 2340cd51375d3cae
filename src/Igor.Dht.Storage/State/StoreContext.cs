using System.Collections.Concurrent;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

namespace Igor.Dht.Storage.State;

/// <summary>What the parts of an open store share.</summary>
internal sealed class StoreContext(RecordStoreOptions options, SegmentLog log, DamageLedger ledger)
{
    // How long a read waits for an index that is being rebuilt, before it gives up.
    private static readonly TimeSpan RebuildWait = TimeSpan.FromSeconds(60);

    private readonly object _rebuilding = new();
    private readonly ConcurrentDictionary<string, byte[]> _unwrittenNotes = new();
    private volatile Catalog? _catalog;
    private volatile string? _doubt;
    private volatile bool _isFull;
    private volatile bool _mayFreeRoom = true;
    private bool _isClosed;

    /// <summary>The options.</summary>
    public RecordStoreOptions Options { get; } = options;

    /// <summary>The segments.</summary>
    public SegmentLog Log { get; } = log;

    /// <summary>What was found wrong.</summary>
    public DamageLedger Ledger { get; } = ledger;

    /// <summary>Room for compaction.</summary>
    public Reserve Reserve { get; } = new(options);

    /// <summary>Whether the disk refused to take more, and garbage is looked for.</summary>
    public bool IsFull
    {
        get => _isFull;
        set => _isFull = value;
    }

    /// <summary>
    /// Whether there may be garbage whose compaction makes room: who writes had better come again then.
    /// </summary>
    public bool MayFreeRoom
    {
        get => _mayFreeRoom;
        set => _mayFreeRoom = value;
    }

    /// <summary>What a next start is told of this one.</summary>
    public MarkerKeeper Marker { get; } = new(options.Folder);

    /// <summary>Hot records.</summary>
    public RecordCache Cache { get; } = new(options.CacheBytes);

    /// <summary>Where records lie; another one after a rebuild.</summary>
    public Catalog Catalog
    {
        get => _catalog ?? throw new InvalidOperationException("The store is not open yet.");
        set => _catalog = value;
    }

    /// <summary>Why the index cannot be relied upon; null when it can.</summary>
    public string? Doubt => _doubt;

    /// <summary>Why the index was rebuilt last; null when it was not.</summary>
    public string? Rebuilt { get; set; }

    /// <summary>What time it is.</summary>
    public NetworkTime Now => Options.Time();

    /// <summary>Notes that are not on disk yet.</summary>
    public IEnumerable<KeyValuePair<string, byte[]>> UnwrittenNotes => _unwrittenNotes;

    /// <summary>The content of a note; null when there is none.</summary>
    public byte[]? FindNote(string name) =>
        _unwrittenNotes.GetValueOrDefault(name) ?? Catalog.FindNote(name)?.Content;

    /// <summary>Keeps a note in memory until it is written; false when there are too many.</summary>
    public bool KeepNote(string name, byte[] content, int notesMax)
    {
        if (FindNote(name) is null && Catalog.NoteCount + _unwrittenNotes.Count >= notesMax)
        {
            return false;
        }

        _unwrittenNotes[name] = content;
        return true;
    }

    /// <summary>Lets go of a note that is written now, unless it changed meanwhile.</summary>
    public void ReleaseNote(Note note) =>
        _unwrittenNotes.TryRemove(new KeyValuePair<string, byte[]>(note.Name, note.Content));

    /// <summary>Says that the index cannot be relied upon; it is rebuilt soon.</summary>
    public void DoubtIndex(Catalog catalog, string reason)
    {
        if (ReferenceEquals(catalog, _catalog) && _doubt is null)
        {
            _doubt = reason;
            Ledger.SetIndexTrouble($"The index is being rebuilt from the segments: {reason}.");
        }
    }

    /// <summary>Takes a rebuilt catalogue into use.</summary>
    public void Replace(Catalog catalog, string reason)
    {
        Catalog old = Catalog;
        Catalog = catalog;
        Cache.Clear();
        Rebuilt = reason;
        _doubt = null;
        Ledger.SetIndexTrouble(null);
        lock (_rebuilding)
        {
            Monitor.PulseAll(_rebuilding);
        }

        old.Dispose();
    }

    /// <summary>Lets nobody wait for a rebuild any more.</summary>
    public void Close()
    {
        lock (_rebuilding)
        {
            _isClosed = true;
            Monitor.PulseAll(_rebuilding);
        }
    }

    /// <summary>
    /// Writes to the disk what the index holds in memory, and the marker, if there may be room; whether all
    /// is there.
    /// </summary>
    public bool TryBringHome(Catalog catalog)
    {
        try
        {
            if (catalog.Index.IsHolding)
            {
                if (Reserve.FreeBytes < catalog.Index.HeldBytes)
                {
                    return false;
                }

                Marker.Withdraw();
                catalog.Index.WriteHeld();
            }

            if (Marker.TryWrite() is not null)
            {
                return false;
            }

            if (!IsFull)
            {
                Ledger.SetDiskTrouble(null);
            }

            return true;
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e))
        {
            return false;
        }
    }

    /// <summary>Waits until another catalogue is in use.</summary>
    public void AwaitRebuild(Catalog old)
    {
        long end = Environment.TickCount64 + (long)RebuildWait.TotalMilliseconds;
        lock (_rebuilding)
        {
            while (!_isClosed && ReferenceEquals(old, _catalog) && Environment.TickCount64 < end)
            {
                Monitor.Wait(_rebuilding, TimeSpan.FromSeconds(1));
            }
        }
    }

    /// <summary>
    /// What is stored of a key, as a writer needs to know it. A damaged record counts as the oldest version,
    /// so that any write replaces it.
    /// </summary>
    /// <exception cref="IndexDamagedException">
    /// The index had to be asked and cannot be relied upon.
    /// </exception>
    public StoredRecord? Current(Catalog catalog, Key key)
    {
        Sighting sighting = catalog.Look(key);
        switch (sighting.Kind)
        {
            case SightingKind.Absent:
                return null;
            case SightingKind.Listed:
                return Of(sighting.Entry!);
            case SightingKind.Hinted when AtHint(key, sighting.Hint) is StoredRecord stored:
                return stored;
        }

        IndexEntry? entry = catalog.Index.Find(key);
        if (entry is null)
        {
            return null;
        }

        return sighting.Kind == SightingKind.Hinted && entry.Place.IsSameSpot(sighting.Hint)
            ? Of(entry) with { Version = RecordVersion.None }
            : Of(entry);
    }

    private static StoredRecord Of(IndexEntry entry) =>
        new(entry.Header.Version, entry.Place, entry.Header.Owner);

    private StoredRecord? AtHint(Key key, Place hint)
    {
        EntryReading reading = Log.Read(
            hint.Segment, hint.Offset, out EntryHeader header, out byte[]? body, isHeaderOnly: true);
        if (reading != EntryReading.Intact || header.Kind != EntryKind.Record || header.Key != key)
        {
            return null;
        }

        Key owner = Key.Zero;
        if (header.Flags.HasFlag(EntryFlags.HasOwner))
        {
            reading = Log.Read(hint.Segment, hint.Offset, out header, out body);
            if (reading != EntryReading.Intact || RecordCodec.TryDecode(body, out _) is not Record record)
            {
                return null;
            }

            owner = record.Header.Owner;
        }

        return new StoredRecord(header.Version, hint with { BodyLength = header.BodyLength }, owner);
    }
}
