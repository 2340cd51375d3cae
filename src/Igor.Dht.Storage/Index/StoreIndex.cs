using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

// The one index of a store: which records there are, in which version and where, in memory. It serves reads,
// version checks, quotas, expiry, listings and the protocol's fingerprints. One thread publishes what it has
// brought to disk, any may look; nobody holds the gate for longer than one run of records takes.

namespace Igor.Dht.Storage.Index;

/// <summary>What is stored and where. Thread-safe.</summary>
internal sealed class StoreIndex : IRecordIndex
{
    private const int ListedAtOnce = 256;

    private readonly Lock _gate = new();
    private readonly RecordTable _table;
    private readonly Dictionary<int, SegmentUse> _segments;
    private readonly Dictionary<string, Note> _notes;
    private LogPosition _end;

    /// <summary>Makes the index of what was found on disk.</summary>
    /// <param name="table">The records.</param>
    /// <param name="segments">What of each segment is in use.</param>
    /// <param name="notes">The notes.</param>
    /// <param name="end">Up to where the log was read.</param>
    public StoreIndex(
        RecordTable table,
        Dictionary<int, SegmentUse> segments,
        Dictionary<string, Note> notes,
        LogPosition end)
    {
        _table = table;
        _segments = segments;
        _notes = notes;
        _end = end;
    }

    /// <inheritdoc/>
    public int Count => Locked(static index => index._table.Count);

    /// <summary>Bytes of records.</summary>
    public long LiveBytes => Locked(static index => index._table.Bytes);

    /// <summary>Bytes of memory that the index takes, about.</summary>
    public long MemoryBytes => Locked(static index =>
        (index._table.Count * (long)RecordTable.BytesPerRecord)
            + (index._table.Owners.Names * (long)RecordTable.BytesPerOwner));

    /// <summary>How far changes are visible.</summary>
    public LogPosition PublishedTo => Locked(static index => index._end);

    /// <summary>Number of notes.</summary>
    public int NoteCount => Locked(static index => index._notes.Count);

    /// <summary>Use of all segments that are in use.</summary>
    public Dictionary<int, SegmentUse> SegmentUses() =>
        Locked(static index => new Dictionary<int, SegmentUse>(index._segments));

    /// <summary>Bytes of an owner's records.</summary>
    public long BytesOf(Key owner)
    {
        lock (_gate)
        {
            return _table.Owners.BytesOf(owner);
        }
    }

    /// <summary>Whether a record of that type cannot be taken: there are too many types.</summary>
    public bool IsFullFor(string type)
    {
        lock (_gate)
        {
            return _table.Types.IsFullFor(type);
        }
    }

    /// <summary>Finds a note.</summary>
    public Note? FindNote(string name)
    {
        lock (_gate)
        {
            return _notes.GetValueOrDefault(name);
        }
    }

    /// <inheritdoc/>
    public int CountOf(int replicas)
    {
        lock (_gate)
        {
            return _table.CountOf(replicas);
        }
    }

    /// <inheritdoc/>
    public bool TryGet(Key key, out Holding holding)
    {
        lock (_gate)
        {
            return _table.TryGet(key, out holding);
        }
    }

    /// <summary>The header of the record of a key; null when there is none.</summary>
    public RecordHeader? FindHeader(Key key)
    {
        lock (_gate)
        {
            return _table.TryFind(key, out RecordSlot slot) ? _table.HeaderOf(slot) : null;
        }
    }

    /// <summary>What is stored of a key; null for nothing.</summary>
    public StoredRecord? Find(Key key)
    {
        lock (_gate)
        {
            return _table.TryFind(key, out RecordSlot slot)
                ? new StoredRecord(slot.Version, PlaceOf(slot), _table.OwnerOf(slot))
                : null;
        }
    }

    /// <summary>Runs an action while the record of a key lies at a place.</summary>
    public void IfStillAt(Key key, Place place, Action action)
    {
        lock (_gate)
        {
            if (_table.TryFind(key, out RecordSlot slot) && PlaceOf(slot) == place)
            {
                action();
            }
        }
    }

    /// <inheritdoc/>
    public Fingerprint FingerprintOf(Arc arc, int replicas, long nowUnixMs)
    {
        Fingerprint sum = Fingerprint.Empty;
        foreach (KeySpan span in KeySpan.Of(arc))
        {
            for (KeySpan? rest = span; rest is KeySpan some;)
            {
                lock (_gate)
                {
                    sum += _table.FingerprintOfFirst(some, replicas, nowUnixMs, out rest);
                }
            }
        }

        return sum;
    }

    /// <inheritdoc/>
    public bool List(KeySpan span, int replicas, long endedBeforeUnixMs, int countMax, List<Holding> into)
    {
        lock (_gate)
        {
            return _table.List(span, replicas, endedBeforeUnixMs, countMax, into);
        }
    }

    /// <summary>Lists records from a key on, in key order.</summary>
    public List<RecordSlot> ListFrom(Key from, int countMax)
    {
        lock (_gate)
        {
            return [.. _table.SlotsIn(new KeySpan(from, Key.Max)).Take(countMax)];
        }
    }

    /// <inheritdoc cref="RecordTable.ListEnded"/>
    public Key? ListEnded(Key from, long unixMs, int countMax, List<RecordSlot> into)
    {
        lock (_gate)
        {
            return _table.ListEnded(from, unixMs, countMax, into);
        }
    }

    /// <summary>Lists headers clockwise from the start of an arc.</summary>
    public IEnumerable<RecordHeader> Headers(Arc arc)
    {
        foreach (KeySpan span in KeySpan.Of(arc))
        {
            for (KeySpan? rest = span; rest is KeySpan some;)
            {
                List<RecordHeader> page;
                lock (_gate)
                {
                    page = [.. _table.SlotsIn(some).Take(ListedAtOnce).Select(slot => _table.HeaderOf(slot))];
                }

                foreach (RecordHeader header in page)
                {
                    yield return header;
                }

                bool isEnd = page.Count < ListedAtOnce || page[^1].Key == some.Last;
                rest = isEnd ? null : some with { First = page[^1].Key + KeySpan.One };
            }
        }
    }

    /// <summary>
    /// All records and where they lie, in key order, so many at once: what changes meanwhile may or may not
    /// be among them.
    /// </summary>
    public IEnumerable<(RecordHeader Header, Place Place)> Entries(int atOnce)
    {
        for (Key? from = Key.Zero; from is Key first;)
        {
            List<(RecordHeader Header, Place Place)> page;
            lock (_gate)
            {
                page = [.. _table.SlotsIn(new KeySpan(first, Key.Max)).Take(atOnce)
                    .Select(slot => (_table.HeaderOf(slot), PlaceOf(slot)))];
            }

            foreach ((RecordHeader Header, Place Place) entry in page)
            {
                yield return entry;
            }

            bool isEnd = page.Count < atOnce || page[^1].Header.Key == Key.Max;
            from = isEnd ? null : page[^1].Header.Key + KeySpan.One;
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
                if (_notes.TryGetValue(note.Name, out Note? previous))
                {
                    CountEntry(previous.Place, -1);
                }

                CountEntry(note.Place, +1);
                _notes[note.Name] = note;
            }

            _end = end;
        }
    }

    /// <summary>Forgets a segment that holds nothing live.</summary>
    public void ForgetSegment(int id)
    {
        lock (_gate)
        {
            _segments.Remove(id);
        }
    }

    /// <summary>Where the record in a slot lies.</summary>
    public static Place PlaceOf(in RecordSlot slot) => new(slot.Segment, slot.Offset, slot.BodyLength);

    private void Apply(in Effect effect)
    {
        if (effect.Previous is StoredRecord previous)
        {
            CountEntry(previous.Place, -1);
        }

        if (effect.Removal is Place removal)
        {
            Add(removal.Segment, new SegmentUse(0, removal.EntryBytes));
        }

        if (effect.Header is RecordHeader header)
        {
            Place place = effect.Place;
            CountEntry(place, +1);
            _table.Put(_table.SlotOf(
                header, place.BodyLength, effect.Digest, place.Segment, place.Offset));
        }
        else
        {
            _table.Remove(effect.Key);
        }
    }

    private void CountEntry(Place place, int sign) =>
        Add(place.Segment, new SegmentUse(sign * (long)place.EntryBytes, 0));

    private void Add(int segment, SegmentUse more) =>
        _segments[segment] = _segments.GetValueOrDefault(segment) + more;

    private T Locked<T>(Func<StoreIndex, T> read)
    {
        lock (_gate)
        {
            return read(this);
        }
    }
}
