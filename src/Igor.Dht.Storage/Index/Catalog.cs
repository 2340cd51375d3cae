using System.Security.Cryptography;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

// What is stored and where: changes that the index does not hold yet, then the directory of keys, then the
// index. Changes are published after they are on disk, gather in batches that end where the log stood between
// two commits, and leave once the index took them. One thread publishes, one feeds the index, any may look.

namespace Igor.Dht.Storage.Index;

/// <summary>Answers where the record of a key lies.</summary>
internal sealed class Catalog : IDisposable
{
    private const int BatchChangesMax = 512;
    private const int WaitingPerBatchRecords = 4;
    private const int Stripes = 256;

    private readonly Lock _gate = new();
    private readonly RecordStoreOptions _options;
    private readonly Dictionary<Key, PendingChange> _pending = [];
    private readonly Queue<IndexBatch> _closed = new();
    private readonly Dictionary<string, Note> _notes = [];
    private readonly StoreUsage _usage = new();
    private readonly KeyDirectory _directory;
    private readonly int[] _ages = new int[Stripes];
    private IndexBatch _open = new();

    // Changes in all batches. More than keys with changes: one that is rewritten again and again has many.
    private int _waiting;

    /// <summary>Makes the catalogue of an index, whose state is loaded.</summary>
    /// <exception cref="IndexDamagedException">The index cannot be relied upon.</exception>
    public Catalog(LiteIndex index, RecordStoreOptions options)
    {
        Index = index;
        _options = options;
        _directory = new KeyDirectory(
            options.DirectoryBytes, BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))));
        IndexedTo = index.Load(_usage, _notes);
        _open.End = IndexedTo ?? default;
        _directory.IsComplete = _usage.Records == 0;
        IsDirectoryLoaded = _directory.IsComplete;
    }

    /// <summary>The index underneath.</summary>
    public LiteIndex Index { get; }

    /// <summary>How far the index reaches; null when it is new.</summary>
    public LogPosition? IndexedTo { get; private set; }

    /// <summary>Whether the directory was filled from the index once.</summary>
    public bool IsDirectoryLoaded { get; private set; }

    /// <summary>How far changes are visible.</summary>
    public LogPosition PublishedTo => Locked(() => _open.End);

    /// <summary>Number of records.</summary>
    public long Records => Locked(() => _usage.Records);

    /// <summary>Bytes of records.</summary>
    public long LiveBytes
    {
        get
        {
            lock (_gate)
            {
                return _usage.LiveBytes;
            }
        }
    }

    /// <summary>Whether so many changes wait for the index that no more should come.</summary>
    public bool IsBehind
    {
        get
        {
            lock (_gate)
            {
                return _waiting >= _options.IndexBatchRecords * WaitingPerBatchRecords;
            }
        }
    }

    /// <summary>Whether changes wait for the index.</summary>
    public bool HasPending => Locked(() => _pending.Count > 0);

    /// <summary>Bytes of an owner's records.</summary>
    public long BytesOf(Key owner) => Locked(() => _usage.OfOwner(owner));

    /// <summary>Use of all segments.</summary>
    public List<KeyValuePair<int, SegmentUse>> SegmentUses() => Locked(() => _usage.Segments.ToList());

    /// <summary>Finds a note.</summary>
    public Note? FindNote(string name) => Locked(() => _notes.GetValueOrDefault(name));

    /// <summary>Number of notes.</summary>
    public int NoteCount => Locked(() => _notes.Count);

    /// <summary>Says what memory knows of a key.</summary>
    public Sighting Look(Key key)
    {
        lock (_gate)
        {
            int age = _ages[StripeOf(key)];
            if (_pending.TryGetValue(key, out PendingChange? change))
            {
                return new Sighting(
                    change.Entry is null ? SightingKind.Absent : SightingKind.Listed,
                    change.Entry,
                    default,
                    age);
            }

            if (_directory.TryFind(key, out int segment, out long offset))
            {
                return new Sighting(SightingKind.Hinted, null, new Place(segment, offset, 0), age);
            }

            SightingKind kind = _directory.IsComplete ? SightingKind.Absent : SightingKind.Unlisted;
            return new Sighting(kind, null, default, age);
        }
    }

    /// <summary>Runs an action if nothing changed about a key since a sighting.</summary>
    public void IfUnchanged(Key key, int age, Action action)
    {
        lock (_gate)
        {
            if (_ages[StripeOf(key)] == age)
            {
                action();
            }
        }
    }

    /// <summary>Makes committed changes visible.</summary>
    /// <param name="effects">Changes of records, in order.</param>
    /// <param name="notes">Notes that were written.</param>
    /// <param name="end">Where the log stands now.</param>
    public void Publish(IReadOnlyList<Effect> effects, IReadOnlyList<Note> notes, LogPosition end)
    {
        lock (_gate)
        {
            foreach (Effect effect in effects)
            {
                Apply(effect);
            }

            foreach (Note note in notes)
            {
                Apply(note);
            }

            _open.End = end;
            if (_open.Count >= BatchChangesMax)
            {
                CloseBatch();
            }
        }
    }

    /// <summary>Forgets a segment that holds nothing live.</summary>
    public void ForgetSegment(int id)
    {
        lock (_gate)
        {
            _usage.ForgetSegment(id);
            MarkBegun();
        }
    }

    /// <summary>
    /// The oldest batch that the index has to take, if it is time; it stays until it is taken.
    /// </summary>
    public IndexBatch? NextBatch(bool isForced)
    {
        lock (_gate)
        {
            bool isDue = isForced
                || _waiting >= _options.IndexBatchRecords
                || IsOld(_closed.TryPeek(out IndexBatch? oldest) ? oldest : _open);
            if (!isDue)
            {
                return null;
            }

            CloseBatch();
            return _closed.Count > 0 ? _closed.Peek() : null;
        }
    }

    /// <summary>Lets go of the oldest batch, which the index has taken.</summary>
    public void Taken(IndexBatch batch)
    {
        lock (_gate)
        {
            _closed.Dequeue();
            _waiting -= batch.Count;
            IndexedTo = batch.End;
            foreach (PendingChange change in batch.Changes)
            {
                if (_pending.TryGetValue(change.Key, out PendingChange? latest)
                    && ReferenceEquals(latest, change))
                {
                    _pending.Remove(change.Key);
                }
            }
        }
    }

    /// <summary>The changes in an arc that the index may not hold yet, in no order.</summary>
    public List<PendingChange> PendingIn(Arc arc) =>
        Locked(() => _pending.Values.Where(change => arc.Contains(change.Key)).ToList());

    /// <summary>
    /// Fills the directory with entries of the index. Called by the thread that feeds the index, so that an
    /// entry is either still as listed, or has a change pending.
    /// </summary>
    /// <param name="entries">What the index listed.</param>
    /// <param name="isLast">Whether that was all.</param>
    public void LoadDirectory(IEnumerable<IndexEntry> entries, bool isLast)
    {
        lock (_gate)
        {
            bool couldFit = true;
            foreach (IndexEntry entry in entries)
            {
                Key key = entry.Header.Key;
                if (!_pending.ContainsKey(key))
                {
                    couldFit &= _directory.Set(key, entry.Place, entry.Place);
                }
            }

            IsDirectoryLoaded = isLast || !couldFit;
            _directory.IsComplete = isLast && couldFit && !_directory.HasLeftOut;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Index.Dispose();

    private static int StripeOf(Key key) => key.GetHashCode() & (Stripes - 1);

    private void Apply(Effect effect)
    {
        if (effect.Previous is StoredRecord previous)
        {
            _usage.Drop(previous.Place, previous.Owner);
        }

        if (effect.Removal is Place removal)
        {
            _usage.AddRemoval(removal);
        }

        if (effect.Entry is IndexEntry entry)
        {
            _usage.Add(entry.Place, entry.Header.Owner);
            _directory.Set(effect.Key, entry.Place, effect.Previous?.Place);
        }
        else
        {
            _directory.Remove(effect.Key, effect.Previous?.Place);
        }

        var change = new PendingChange(effect.Key, effect.Entry);
        _pending[effect.Key] = change;
        _open.Changes.Add(change);
        _waiting++;
        _ages[StripeOf(effect.Key)]++;
        MarkBegun();
    }

    private void Apply(Note note)
    {
        if (_notes.TryGetValue(note.Name, out Note? previous))
        {
            _usage.CountNote(previous.Place, -1);
        }

        _usage.CountNote(note.Place, +1);
        _notes[note.Name] = note;
        _open.Notes.Add(note);
        _waiting++;
        MarkBegun();
    }

    private void MarkBegun()
    {
        if (_open.BegunAtMs == 0)
        {
            _open.BegunAtMs = Environment.TickCount64;
        }
    }

    private bool IsOld(IndexBatch batch) =>
        batch.BegunAtMs != 0
        && Environment.TickCount64 - batch.BegunAtMs >= _options.IndexPeriod.TotalMilliseconds;

    private void CloseBatch()
    {
        if (_open.BegunAtMs == 0)
        {
            return;
        }

        _usage.DrainChanges(_open);
        LogPosition end = _open.End;
        _closed.Enqueue(_open);
        _open = new IndexBatch { End = end };
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_gate)
        {
            return read();
        }
    }
}
