using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

// Runs of records in key order, and beside them, for the search, the upper 64 bits of the key from which each
// run reaches: keys are hashes, so those tell the run but for a rare tie, without a look at the run itself.

namespace Igor.Dht.Protocol.Index;

/// <summary>
/// Records in memory and in key order, compact: 84 bytes each and some room to grow. Not thread-safe.
/// </summary>
internal sealed class RecordTable : IRecordIndex
{
    /// <summary>What a record takes with its share of what finds it, when keys come in any order.</summary>
    public const int BytesPerRecord = 112;

    /// <summary>What an owner of records takes.</summary>
    public const int BytesPerOwner = 160;

    private const int LeavesFirst = 16;

    private readonly int[] _classCounts = new int[RecordCodec.ReplicasMax + 1];
    private RecordLeaf[] _leaves = new RecordLeaf[LeavesFirst];
    private ulong[] _lows = new ulong[LeavesFirst];
    private int _leafCount;

    /// <inheritdoc/>
    public int Count { get; private set; }

    /// <summary>Bytes of all records.</summary>
    public long Bytes { get; private set; }

    /// <summary>Use by type.</summary>
    public UsageTable<string> Types { get; } = new(ushort.MaxValue);

    /// <summary>Use by owner.</summary>
    public UsageTable<Key> Owners { get; } = new(int.MaxValue);

    /// <inheritdoc/>
    public int CountOf(int replicas) => replicas == 0 ? Count : _classCounts[replicas];

    /// <inheritdoc/>
    public bool TryGet(Key key, out Holding holding)
    {
        bool isHeld = TryFind(key, out RecordSlot slot);
        holding = isHeld ? HoldingOf(slot) : default;
        return isHeld;
    }

    /// <summary>Looks a key up.</summary>
    public bool TryFind(Key key, out RecordSlot slot)
    {
        int at = LeafFor(key);
        if (at >= 0)
        {
            RecordLeaf leaf = _leaves[at];
            int index = leaf.IndexAtOrAfter(key);
            if (index < leaf.Count && leaf.Slots[index].Key == key)
            {
                slot = leaf.Slots[index];
                return true;
            }
        }

        slot = default;
        return false;
    }

    /// <summary>The slot for a record, to be put in. A type and an owner get their numbers.</summary>
    public RecordSlot SlotOf(
        RecordHeader header, int bodyLength, uint digest = 0, int segment = 0, long offset = 0) => new()
        {
            Digest = digest,
            Key = header.Key,
            Version = header.Version,
            ExpiresAtUnixMs = header.ExpiresAtUnixMs,
            Owner = header.Owner == Key.Zero ? 0 : Owners.NumberOf(header.Owner) + 1,
            ValueLength = header.ValueLength,
            BodyLength = bodyLength,
            Segment = segment,
            Type = (ushort)Types.NumberOf(header.Type),
            Replicas = (byte)header.Replicas,
            IsTombstone = header.IsTombstone,
            Offset = offset,
        };

    /// <summary>The header of the record in a slot.</summary>
    public RecordHeader HeaderOf(in RecordSlot slot) => new()
    {
        Key = slot.Key,
        Type = Types.NameOf(slot.Type),
        Version = slot.Version,
        ExpiresAtUnixMs = slot.ExpiresAtUnixMs,
        Replicas = slot.Replicas,
        IsTombstone = slot.IsTombstone,
        Owner = OwnerOf(slot),
        ValueLength = slot.ValueLength,
    };

    /// <summary>The owner of the record in a slot; zero for nobody.</summary>
    public Key OwnerOf(in RecordSlot slot) => slot.Owner == 0 ? Key.Zero : Owners.NameOf(slot.Owner - 1);

    /// <summary>Puts a record in, whatever is there of its key.</summary>
    public void Put(in RecordSlot slot)
    {
        if (_leafCount == 0)
        {
            InsertLeaf(0, new RecordLeaf(Key.Zero));
        }

        int at = LeafFor(slot.Key);
        RecordLeaf leaf = _leaves[at];
        int index = leaf.IndexAtOrAfter(slot.Key);
        Tally(slot, 1);
        if (index < leaf.Count && leaf.Slots[index].Key == slot.Key)
        {
            Tally(leaf.Slots[index], -1);
            leaf.Replace(index, slot);
            return;
        }

        leaf.Insert(index, slot);
        if (leaf.Count == RecordLeaf.LengthMax)
        {
            InsertLeaf(at + 1, leaf.Split());
        }
    }

    /// <summary>
    /// Puts records behind all others, of which none has their keys; they are the table's from now on. Their
    /// types and owners have its numbers.
    /// </summary>
    public void Append(RecordRuns following)
    {
        foreach (RecordLeaf leaf in following.Leaves)
        {
            if (_leafCount == 0 && leaf.Low != Key.Zero)
            {
                InsertLeaf(0, new RecordLeaf(Key.Zero)); // each key belongs to a run
            }

            InsertLeaf(_leafCount, leaf);
        }

        Count += following.Count;
        Bytes += following.Bytes;
        for (int replicas = 1; replicas < _classCounts.Length; replicas++)
        {
            _classCounts[replicas] += following.CountOf(replicas);
        }

        Types.Add(following.Types);
        Owners.Add(following.Owners);
    }

    /// <summary>Takes a key out.</summary>
    public bool Remove(Key key)
    {
        int at = LeafFor(key);
        if (at < 0)
        {
            return false;
        }

        RecordLeaf leaf = _leaves[at];
        int index = leaf.IndexAtOrAfter(key);
        if (index >= leaf.Count || leaf.Slots[index].Key != key)
        {
            return false;
        }

        Tally(leaf.Slots[index], -1);
        leaf.RemoveAt(index);
        Merge(at);
        return true;
    }

    /// <inheritdoc/>
    public Fingerprint FingerprintOf(Arc arc, int replicas, long nowUnixMs)
    {
        Fingerprint sum = Fingerprint.Empty;
        foreach (KeySpan span in KeySpan.Of(arc))
        {
            for (KeySpan? rest = span; rest is KeySpan some;)
            {
                sum += FingerprintOfFirst(some, replicas, nowUnixMs, out rest);
            }
        }

        return sum;
    }

    /// <summary>The fingerprint of what one run has of a span, and the rest of the span.</summary>
    public Fingerprint FingerprintOfFirst(KeySpan span, int replicas, long nowUnixMs, out KeySpan? rest)
    {
        rest = null;
        int at = LeafFor(span.First);
        if (at < 0)
        {
            return Fingerprint.Empty;
        }

        RecordLeaf leaf = _leaves[at];
        bool isLast = at + 1 == _leafCount || _leaves[at + 1].Low > span.Last;
        rest = isLast ? null : span with { First = _leaves[at + 1].Low };
        return leaf.Count > 0 && leaf.Slots[0].Key >= span.First && leaf.Slots[^1].Key <= span.Last
            ? leaf.FingerprintOf(replicas, nowUnixMs)
            : PartOf(leaf, span, replicas, nowUnixMs);
    }

    /// <inheritdoc/>
    public bool List(KeySpan span, int replicas, long endedBeforeUnixMs, int countMax, List<Holding> into)
    {
        ArgumentNullException.ThrowIfNull(into);
        foreach (RecordSlot slot in SlotsIn(span))
        {
            if ((replicas != 0 && slot.Replicas != replicas) || slot.IsExpiredAt(endedBeforeUnixMs))
            {
                continue;
            }

            if (into.Count == countMax)
            {
                return false;
            }

            into.Add(HoldingOf(slot));
        }

        return true;
    }

    /// <summary>The records in a span, in key order, while nothing is changed.</summary>
    public IEnumerable<RecordSlot> SlotsIn(KeySpan span)
    {
        for (int at = Math.Max(0, LeafFor(span.First)); at < _leafCount; at++)
        {
            RecordLeaf leaf = _leaves[at];
            for (int index = leaf.IndexAtOrAfter(span.First); index < leaf.Count; index++)
            {
                RecordSlot slot = leaf.Slots[index];
                if (slot.Key > span.Last)
                {
                    yield break;
                }

                yield return slot;
            }
        }
    }

    /// <summary>
    /// Records that ended before a time, from a key on, in key order. Runs in which none did are passed over.
    /// </summary>
    /// <param name="from">The first key.</param>
    /// <param name="unixMs">The time.</param>
    /// <param name="countMax">Most that are wanted.</param>
    /// <param name="into">Where they go.</param>
    /// <returns>Where to go on; null at the end.</returns>
    public Key? ListEnded(Key from, long unixMs, int countMax, List<RecordSlot> into)
    {
        for (int at = Math.Max(0, LeafFor(from)); at < _leafCount; at++)
        {
            RecordLeaf leaf = _leaves[at];
            if (leaf.EarliestEndUnixMs >= unixMs)
            {
                continue;
            }

            leaf.FindEarliestEnd();
            for (int index = leaf.IndexAtOrAfter(from); index < leaf.Count; index++)
            {
                RecordSlot slot = leaf.Slots[index];
                if (slot.ExpiresAtUnixMs == 0 || slot.ExpiresAtUnixMs >= unixMs)
                {
                    continue;
                }

                if (into.Count == countMax)
                {
                    return slot.Key;
                }

                into.Add(slot);
            }
        }

        return null;
    }

    private static Fingerprint PartOf(RecordLeaf leaf, KeySpan span, int replicas, long nowUnixMs)
    {
        Fingerprint sum = Fingerprint.Empty;
        for (int index = leaf.IndexAtOrAfter(span.First); index < leaf.Count; index++)
        {
            ref readonly RecordSlot slot = ref leaf.Slots[index];
            if (slot.Key > span.Last)
            {
                break;
            }

            if ((replicas == 0 || slot.Replicas == replicas) && !slot.IsExpiredAt(nowUnixMs))
            {
                sum += Fingerprint.Of(slot.Key, slot.Version, slot.Digest);
            }
        }

        return sum;
    }

    private Holding HoldingOf(in RecordSlot slot) => new(
        slot.Key,
        slot.Version,
        slot.ExpiresAtUnixMs,
        slot.ValueLength,
        slot.Replicas,
        slot.IsTombstone,
        Types.NameOf(slot.Type),
        slot.Digest);

    private void Tally(in RecordSlot slot, int step)
    {
        Count += step;
        Bytes += step * (long)slot.BodyLength;
        if (slot.Replicas is > 0 and <= RecordCodec.ReplicasMax)
        {
            _classCounts[slot.Replicas] += step;
        }

        Types.Count(slot.Type, step, slot.BodyLength);
        if (slot.Owner != 0)
        {
            Owners.Count(slot.Owner - 1, step, slot.BodyLength);
        }
    }

    /// <summary>The run to which a key belongs; -1 when there is none.</summary>
    private int LeafFor(Key key)
    {
        ulong prefix = RecordSlot.PrefixOf(key);
        int low = 0;
        int high = _leafCount - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            bool isFrom = _lows[middle] < prefix || (_lows[middle] == prefix && _leaves[middle].Low <= key);
            if (isFrom)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return high;
    }

    private void InsertLeaf(int at, RecordLeaf leaf)
    {
        if (_leafCount == _leaves.Length)
        {
            Array.Resize(ref _leaves, _leafCount * 2);
            Array.Resize(ref _lows, _leafCount * 2);
        }

        Array.Copy(_leaves, at, _leaves, at + 1, _leafCount - at);
        Array.Copy(_lows, at, _lows, at + 1, _leafCount - at);
        _leaves[at] = leaf;
        _lows[at] = RecordSlot.PrefixOf(leaf.Low);
        _leafCount++;
    }

    /// <summary>Puts a run that has become short together with the next.</summary>
    private void Merge(int at)
    {
        if (_leaves[at].Count < RecordLeaf.LengthMax / 4 && at + 1 < _leafCount
            && _leaves[at].Count + _leaves[at + 1].Count < RecordLeaf.LengthMax * 3 / 4)
        {
            _leaves[at].Append(_leaves[at + 1].Slots);
            _leafCount--;
            Array.Copy(_leaves, at + 2, _leaves, at + 1, _leafCount - at - 1);
            Array.Copy(_lows, at + 2, _lows, at + 1, _leafCount - at - 1);
            _leaves[_leafCount] = null!;
        }
    }
}
