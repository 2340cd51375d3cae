using System.Runtime.InteropServices;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Storage.Hints;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

// All segments' entries, each segment's by key, are merged by key: what the log says of one key comes
// together, in the order in which it was written, is judged, and goes to the end of the index. So the index
// is built in key order, full, and without a search.

namespace Igor.Dht.Storage.Opening;

/// <summary>A record that was there and is not any more.</summary>
/// <param name="Lost">What it was.</param>
/// <param name="Segment">Where it lay.</param>
internal readonly record struct LostRecord(Holding Lost, int Segment);

/// <summary>Builds the index from what stands in the segments.</summary>
internal sealed class HintMerge
{
    private readonly SegmentLog _log;
    private readonly IHintSource[] _sources;
    private readonly ushort[][] _types;
    private readonly int[][] _owners;
    private readonly long[] _lengths;
    private readonly int[] _heap;
    private readonly ulong[] _prefixes;
    private readonly Dictionary<int, SegmentUse> _segments = [];
    private readonly Dictionary<Key, List<(ulong Sequence, Place Place)>> _notes = [];
    private int _heapCount;

    private bool _isHeld;
    private RecordSlot _held;
    private bool _isLost;
    private RecordSlot _lost;

    /// <summary>Prepares a merge.</summary>
    /// <param name="log">The segments.</param>
    /// <param name="sources">What stands in each, in the order of the log.</param>
    public HintMerge(SegmentLog log, IEnumerable<IHintSource> sources)
    {
        _log = log;
        _sources = [.. sources];
        _types = [.. _sources.Select(source =>
            source.Types.Select(type => (ushort)Table.Types.NumberOf(type)).ToArray())];
        _owners = [.. _sources.Select(source =>
            source.Owners.Select(owner => Table.Owners.NumberOf(owner) + 1).ToArray())];
        _lengths = [.. _sources.Select(source => log.Find(source.Segment)?.Length ?? 0)];
        _heap = new int[_sources.Length];
        _prefixes = new ulong[_sources.Length];
    }

    /// <summary>The records.</summary>
    /// <remarks>
    /// Its room is taken where the garbage collector moves nothing: it would copy all of it twice, and clear
    /// memory for that, which takes longer than everything else here.
    /// </remarks>
    public RecordTable Table { get; } =
        new(static length => GC.AllocateUninitializedArray<RecordSlot>(length, pinned: true));

    /// <summary>Records that were there and are damaged, or whose segment is cut or gone.</summary>
    public List<LostRecord> Lost { get; } = [];

    /// <summary>Merges all, and makes the index.</summary>
    /// <exception cref="HintDamagedException">
    /// A hint is damaged: its segment is to be read, and this begun anew.
    /// </exception>
    public StoreIndex Run(LogPosition end)
    {
        for (int source = 0; source < _sources.Length; source++)
        {
            if (_sources[source].MoveNext())
            {
                _prefixes[source] = RecordSlot.PrefixOf(_sources[source].Current.Key);
                _heap[_heapCount++] = source;
            }
        }

        for (int at = (_heapCount / 2) - 1; at >= 0; at--)
        {
            SiftDown(at);
        }

        while (_heapCount > 0)
        {
            MergeKey();
        }

        Table.Types.DropUnused();
        Table.Owners.DropUnused();
        return new StoreIndex(Table, _segments, ReadNotes(), end);
    }

    private void MergeKey()
    {
        _isHeld = false;
        _isLost = false;
        Key key = _sources[_heap[0]].Current.Key;
        do
        {
            int source = _heap[0];
            Apply(source, _sources[source].Current);
            if (_sources[source].MoveNext())
            {
                _prefixes[source] = RecordSlot.PrefixOf(_sources[source].Current.Key);
            }
            else
            {
                _heap[0] = _heap[--_heapCount];
            }

            SiftDown(0);
        }
        while (_heapCount > 0 && _sources[_heap[0]].Current.Key == key);

        if (_isHeld)
        {
            Count(_held.Segment, new SegmentUse(StoreIndex.PlaceOf(_held).EntryBytes, 0));
            Table.Append(_held);
        }

        if (_isLost)
        {
            var lost = new Holding(
                key, _lost.Version, _lost.ExpiresAtUnixMs, _lost.ValueLength, _lost.Replicas, false, "");
            Lost.Add(new LostRecord(lost, _lost.Segment));
        }
    }

    private void Apply(int source, in RecordSlot entry)
    {
        Place place = StoreIndex.PlaceOf(entry);
        bool isThere = place.End <= _lengths[source];
        switch (HintKinds.KindOf(entry))
        {
            case HintKind.Record when isThere:
                ApplyRecord(source, entry);
                break;
            case HintKind.Record or HintKind.Damaged:
                ApplyDamage(entry);
                break;
            case HintKind.Removal:
                ApplyRemoval(entry, isThere);
                break;
            case HintKind.Note when isThere:
                CollectionsMarshal.GetValueRefOrAddDefault(_notes, entry.Key, out _) ??= [];
                _notes[entry.Key].Add((entry.Version.Clock, place));
                break;
        }
    }

    private void ApplyRecord(int source, in RecordSlot entry)
    {
        // The same version again is a copy that compaction made: it is the one that stays.
        if (!_isHeld || _held.Version <= entry.Version)
        {
            _isHeld = true;
            _held = entry;
            _held.Type = _types[source][entry.Type];
            _held.Owner = entry.Owner == 0 ? 0 : _owners[source][entry.Owner - 1];
        }

        _isLost &= _lost.Version > entry.Version;
    }

    /// <summary>What is older than a record that is lost is not served in its place.</summary>
    private void ApplyDamage(in RecordSlot entry)
    {
        if (_isHeld && _held.Version >= entry.Version)
        {
            return;
        }

        _isHeld = false;
        if (!_isLost || _lost.Version < entry.Version)
        {
            _isLost = true;
            _lost = entry;
        }
    }

    /// <summary>
    /// A removal is of what was written before it; its copies, which compaction makes, lie further back.
    /// </summary>
    private void ApplyRemoval(in RecordSlot entry, bool isThere)
    {
        int hidesUpTo = entry.ValueLength == 0 ? int.MaxValue : entry.ValueLength;
        bool isHit = _isHeld && _held.Version <= entry.Version && _held.Segment <= hidesUpTo;
        if (isThere && (isHit || !_isHeld))
        {
            Count(entry.Segment, new SegmentUse(0, StoreIndex.PlaceOf(entry).EntryBytes));
        }

        _isHeld &= !isHit;
        _isLost &= _lost.Version > entry.Version || _lost.Segment > hidesUpTo;
    }

    private Dictionary<string, Note> ReadNotes()
    {
        var notes = new Dictionary<string, Note>();
        foreach (List<(ulong Sequence, Place Place)> versions in _notes.Values)
        {
            foreach ((ulong sequence, Place place) in versions
                .OrderByDescending(version => version.Sequence)
                .ThenByDescending(version => version.Place.Segment)
                .ThenByDescending(version => version.Place.Offset))
            {
                if (_log.Read(place.Segment, place.Offset, out _, out byte[]? body) == EntryReading.Intact
                    && NoteCodec.TryDecode(body, out string name, out byte[] content))
                {
                    notes[name] = new Note(name, content, sequence, place);
                    Count(place.Segment, new SegmentUse(place.EntryBytes, 0));
                    break;
                }
            }
        }

        return notes;
    }

    private void Count(int segment, SegmentUse more)
    {
        ref SegmentUse use = ref CollectionsMarshal.GetValueRefOrAddDefault(_segments, segment, out _);
        use += more;
    }

    private void SiftDown(int at)
    {
        while (true)
        {
            int child = (2 * at) + 1;
            if (child >= _heapCount)
            {
                return;
            }

            if (child + 1 < _heapCount && IsBefore(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (!IsBefore(_heap[child], _heap[at]))
            {
                return;
            }

            (_heap[at], _heap[child]) = (_heap[child], _heap[at]);
            at = child;
        }
    }

    private bool IsBefore(int left, int right)
    {
        if (_prefixes[left] != _prefixes[right])
        {
            return _prefixes[left] < _prefixes[right];
        }

        int order = _sources[left].Current.Key.CompareTo(_sources[right].Current.Key);
        return order != 0 ? order < 0 : left < right;
    }
}
