using Igor.Dht.Storage.Segments;
using Igor.Kbr;

namespace Igor.Dht.Storage.Index;

/// <summary>
/// What the records take, in total, by owner and by segment. Kept up with every change; what changed since
/// the last look is told apart for the index.
/// </summary>
internal sealed class StoreUsage
{
    private readonly Dictionary<Key, long> _owners = [];
    private readonly Dictionary<int, SegmentUse> _segments = [];
    private readonly HashSet<Key> _changedOwners = [];
    private readonly HashSet<int> _changedSegments = [];

    /// <summary>Number of records.</summary>
    public long Records { get; private set; }

    /// <summary>Bytes of all records.</summary>
    public long LiveBytes { get; private set; }

    /// <summary>Use by segment.</summary>
    public IReadOnlyDictionary<int, SegmentUse> Segments => _segments;

    /// <summary>Bytes of an owner's records.</summary>
    public long OfOwner(Key owner) => _owners.GetValueOrDefault(owner);

    /// <summary>Use of a segment.</summary>
    public SegmentUse OfSegment(int id) => _segments.GetValueOrDefault(id);

    /// <summary>Starts from what an index says.</summary>
    public void Load(
        long records,
        long liveBytes,
        IEnumerable<(Key Owner, long Bytes)> owners,
        IEnumerable<(int Id, SegmentUse Use)> segments)
    {
        Records = records;
        LiveBytes = liveBytes;
        foreach ((Key owner, long bytes) in owners)
        {
            _owners[owner] = bytes;
        }

        foreach ((int id, SegmentUse use) in segments)
        {
            _segments[id] = use;
        }
    }

    /// <summary>Counts a record in.</summary>
    public void Add(Place place, Key owner) => Count(place, owner, +1);

    /// <summary>Counts a record out.</summary>
    public void Drop(Place place, Key owner) => Count(place, owner, -1);

    /// <summary>Counts the entry of a note in or out.</summary>
    public void CountNote(Place place, int sign) =>
        Change(place.Segment, sign * (long)place.EntryBytes, 0, place.End);

    /// <summary>Counts a removal in.</summary>
    public void AddRemoval(Place place) => Change(place.Segment, 0, place.EntryBytes, place.End);

    /// <summary>Forgets a segment that is gone.</summary>
    public void ForgetSegment(int id)
    {
        _segments.Remove(id);
        _changedSegments.Add(id);
    }

    /// <summary>Tells what changed since the last call.</summary>
    public void DrainChanges(IndexBatch batch)
    {
        foreach (int id in _changedSegments)
        {
            batch.Segments[id] = _segments.TryGetValue(id, out SegmentUse use) ? use : null;
        }

        foreach (Key owner in _changedOwners)
        {
            batch.Owners[owner] = OfOwner(owner);
        }

        _changedSegments.Clear();
        _changedOwners.Clear();
        batch.Records = Records;
        batch.LiveBytes = LiveBytes;
    }

    private void Count(Place place, Key owner, int sign)
    {
        Records += sign;
        LiveBytes += sign * (long)place.BodyLength;
        Change(place.Segment, sign * (long)place.EntryBytes, 0, place.End);
        if (owner != Key.Zero)
        {
            long bytes = OfOwner(owner) + (sign * (long)place.BodyLength);
            if (bytes <= 0)
            {
                _owners.Remove(owner);
            }
            else
            {
                _owners[owner] = bytes;
            }

            _changedOwners.Add(owner);
        }
    }

    private void Change(int id, long live, long removals, long end)
    {
        SegmentUse use = OfSegment(id);
        _segments[id] = new SegmentUse(
            Math.Max(0, use.LiveBytes + live), use.RemovalBytes + removals, Math.Max(use.Length, end));
        _changedSegments.Add(id);
    }
}
