using System.Runtime.InteropServices;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Storage.Hints;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

// What the log says of one key comes together, in the order in which it was written, is judged, and goes to
// the end of the runs. So they are built in key order, full, and without a search.

namespace Igor.Dht.Storage.Opening;

/// <summary>Merges what stands in the segments of a range of keys; other threads merge others.</summary>
internal sealed class HintRange
{
    private readonly KeySpan _span;
    private readonly MergeSource[] _sources;
    private readonly HintCursor[] _cursors;
    private readonly (ulong Prefix, int Source)[] _heap;
    private int _heapCount;

    private bool _isHeld;
    private RecordSlot _held;
    private bool _isLost;
    private RecordSlot _lost;

    /// <summary>Prepares a merge.</summary>
    /// <param name="span">The keys.</param>
    /// <param name="sources">What stands in each segment, in the order of the log.</param>
    /// <param name="runs">Where the records go.</param>
    public HintRange(KeySpan span, MergeSource[] sources, RecordRuns runs)
    {
        _span = span;
        _sources = sources;
        _cursors = new HintCursor[sources.Length];
        _heap = new (ulong, int)[sources.Length];
        Runs = runs;
    }

    /// <summary>The records.</summary>
    public RecordRuns Runs { get; }

    /// <summary>Use of the segments, but for notes.</summary>
    public Dictionary<int, SegmentUse> Segments { get; } = [];

    /// <summary>All versions of notes, by the hashes of their names.</summary>
    public Dictionary<Key, List<(ulong Sequence, Place Place)>> Notes { get; } = [];

    /// <summary>Records that were there and are damaged, or whose segment is cut or gone.</summary>
    public List<LostRecord> Lost { get; } = [];

    /// <summary>Merges all.</summary>
    /// <param name="isAborted">Asked now and then whether to leave it.</param>
    /// <exception cref="HintDamagedException">A hint is damaged.</exception>
    public void Run(Func<bool> isAborted)
    {
        for (int source = 0; source < _sources.Length; source++)
        {
            _cursors[source] = _sources[source].Hint.From(_span.First);
            if (_cursors[source].MoveNext())
            {
                _heap[_heapCount++] = (RecordSlot.PrefixOf(_cursors[source].Current.Key), source);
            }
        }

        for (int at = (_heapCount / 2) - 1; at >= 0; at--)
        {
            SiftDown(at);
        }

        for (int turn = 0; _heapCount > 0 && MergeKey(); turn++)
        {
            if (turn % 1024 == 0 && isAborted())
            {
                return;
            }
        }
    }

    /// <summary>Takes all that is said of the next key; false when it lies behind the range.</summary>
    private bool MergeKey()
    {
        Key key = _cursors[_heap[0].Source].Current.Key;
        if (key > _span.Last)
        {
            return false;
        }

        _isHeld = false;
        _isLost = false;
        do
        {
            int source = _heap[0].Source;
            HintCursor cursor = _cursors[source];
            Apply(_sources[source], cursor.Current);
            _heap[0] = cursor.MoveNext()
                ? (RecordSlot.PrefixOf(cursor.Current.Key), source)
                : _heap[--_heapCount];
            SiftDown(0);
        }
        while (_heapCount > 0 && _cursors[_heap[0].Source].Current.Key == key);

        if (_isHeld)
        {
            Count(_held.Segment, new SegmentUse(StoreIndex.PlaceOf(_held).EntryBytes, 0));
            Runs.Append(_held);
        }

        if (_isLost)
        {
            var lost = new Holding(
                key, _lost.Version, _lost.ExpiresAtUnixMs, _lost.ValueLength, _lost.Replicas, false, "");
            Lost.Add(new LostRecord(lost, _lost.Segment));
        }

        return true;
    }

    private void Apply(MergeSource source, in RecordSlot entry)
    {
        Place place = StoreIndex.PlaceOf(entry);
        bool isThere = place.End <= source.Length;
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
                CollectionsMarshal.GetValueRefOrAddDefault(Notes, entry.Key, out _) ??= [];
                Notes[entry.Key].Add((entry.Version.Clock, place));
                break;
        }
    }

    private void ApplyRecord(MergeSource source, in RecordSlot entry)
    {
        // The same version again is a copy that compaction made: it is the one that stays.
        if (!_isHeld || _held.Version <= entry.Version)
        {
            _isHeld = true;
            _held = entry;
            _held.Type = source.Types[entry.Type];
            _held.Owner = entry.Owner == 0 ? 0 : source.Owners[entry.Owner - 1];
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

    private void Count(int segment, SegmentUse more)
    {
        ref SegmentUse use = ref CollectionsMarshal.GetValueRefOrAddDefault(Segments, segment, out _);
        use += more;
    }

    private void SiftDown(int at)
    {
        (ulong Prefix, int Source)[] heap = _heap;
        while (true)
        {
            int child = (2 * at) + 1;
            if (child >= _heapCount)
            {
                return;
            }

            if (child + 1 < _heapCount && IsBefore(heap[child + 1], heap[child]))
            {
                child++;
            }

            if (!IsBefore(heap[child], heap[at]))
            {
                return;
            }

            (heap[at], heap[child]) = (heap[child], heap[at]);
            at = child;
        }
    }

    private bool IsBefore(in (ulong Prefix, int Source) left, in (ulong Prefix, int Source) right)
    {
        if (left.Prefix != right.Prefix)
        {
            return left.Prefix < right.Prefix;
        }

        int order = _cursors[left.Source].Current.Key.CompareTo(_cursors[right.Source].Current.Key);
        return order != 0 ? order < 0 : left.Source < right.Source;
    }
}
