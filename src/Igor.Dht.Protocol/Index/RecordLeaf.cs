using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>
/// A run of records in key order, with the fingerprints of the whole run, which are made when asked for and
/// kept until something in it changes or ends.
/// </summary>
internal sealed class RecordLeaf
{
    /// <summary>Most records in a run; a longer one is cut in two.</summary>
    public const int LengthMax = 256;

    // Room is taken in such steps: runs that grew by chance are filled to three quarters or more.
    private const int Step = 32;

    private RecordSlot[] _slots;
    private Fingerprint[]? _sums;
    private bool _hasSums;
    private long _sumsFromUnixMs;
    private long _sumsUntilUnixMs;

    /// <summary>An empty run.</summary>
    /// <param name="low">A key that no record in it, now and later, is below.</param>
    public RecordLeaf(Key low)
        : this(low, new RecordSlot[Step])
    {
    }

    /// <summary>An empty run.</summary>
    /// <param name="low">A key that no record in it, now and later, is below.</param>
    /// <param name="slots">Room for records that are about to come.</param>
    public RecordLeaf(Key low, RecordSlot[] slots)
    {
        Low = low;
        _slots = slots;
    }

    /// <summary>No record in it is below this key, and all of the run before are.</summary>
    public Key Low { get; }

    /// <summary>Number of records.</summary>
    public int Count { get; private set; }

    /// <summary>No record in it ends earlier, in milliseconds since 1970.</summary>
    public long EarliestEndUnixMs { get; private set; } = long.MaxValue;

    /// <summary>The records, in key order.</summary>
    public ReadOnlySpan<RecordSlot> Slots => _slots.AsSpan(0, Count);

    /// <summary>Index of the first record whose key is not smaller.</summary>
    public int IndexAtOrAfter(Key key)
    {
        ulong prefix = RecordSlot.PrefixOf(key);
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            ref readonly Key other = ref _slots[middle].Key;
            ulong otherPrefix = RecordSlot.PrefixOf(other);
            if (otherPrefix < prefix || (otherPrefix == prefix && other < key))
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>Puts a record at an index, moving those behind it.</summary>
    public void Insert(int index, in RecordSlot slot)
    {
        if (Count == _slots.Length)
        {
            Array.Resize(ref _slots, Count + Step);
        }

        Array.Copy(_slots, index, _slots, index + 1, Count - index);
        Count++;
        Replace(index, slot);
    }

    /// <summary>Puts a record in the place of another.</summary>
    public void Replace(int index, in RecordSlot slot)
    {
        _slots[index] = slot;
        _hasSums = false;
        if (slot.ExpiresAtUnixMs != 0)
        {
            EarliestEndUnixMs = Math.Min(EarliestEndUnixMs, slot.ExpiresAtUnixMs);
        }
    }

    /// <summary>Takes a record out.</summary>
    public void RemoveAt(int index)
    {
        Count--;
        Array.Copy(_slots, index + 1, _slots, index, Count - index);
        _hasSums = false;
        if (_slots.Length - Count > 2 * Step)
        {
            Array.Resize(ref _slots, Count + Step);
        }
    }

    /// <summary>Cuts the upper half off; the lower keeps its room, to grow in.</summary>
    public RecordLeaf Split()
    {
        int half = Count / 2;
        var upper = new RecordLeaf(_slots[half].Key, new RecordSlot[Count - half + Step]);
        upper.Append(Slots[half..]);
        Count = half;
        _hasSums = false;
        return upper;
    }

    /// <summary>Adds the records of the run that follows.</summary>
    public void Append(ReadOnlySpan<RecordSlot> following)
    {
        foreach (ref readonly RecordSlot slot in following)
        {
            Append(slot);
        }
    }

    /// <summary>Adds a record behind the others.</summary>
    public void Append(in RecordSlot slot)
    {
        if (Count == _slots.Length)
        {
            Array.Resize(ref _slots, Count + Step);
        }

        Replace(Count++, slot);
    }

    /// <summary>Finds out anew when the first record ends.</summary>
    public void FindEarliestEnd()
    {
        EarliestEndUnixMs = long.MaxValue;
        foreach (ref readonly RecordSlot slot in Slots)
        {
            if (slot.ExpiresAtUnixMs != 0 && slot.ExpiresAtUnixMs < EarliestEndUnixMs)
            {
                EarliestEndUnixMs = slot.ExpiresAtUnixMs;
            }
        }
    }

    /// <summary>
    /// The fingerprint of the whole run: of the records with that many replicas, or of all for 0.
    /// </summary>
    public Fingerprint FingerprintOf(int replicas, long nowUnixMs)
    {
        if (!_hasSums || nowUnixMs >= _sumsUntilUnixMs || nowUnixMs < _sumsFromUnixMs)
        {
            MakeSums(nowUnixMs);
        }

        return _sums![replicas];
    }

    private void MakeSums(long nowUnixMs)
    {
        _sums ??= new Fingerprint[RecordCodec.ReplicasMax + 1];
        Array.Clear(_sums);
        _sumsFromUnixMs = long.MinValue; // clocks are set back, and what had ended has not
        _sumsUntilUnixMs = long.MaxValue;
        foreach (ref readonly RecordSlot slot in Slots)
        {
            if (slot.IsExpiredAt(nowUnixMs))
            {
                _sumsFromUnixMs = Math.Max(_sumsFromUnixMs, slot.ExpiresAtUnixMs);
                continue;
            }

            Fingerprint one = Fingerprint.Of(slot.Key, slot.Version, slot.Digest);
            _sums[0] += one;
            _sums[slot.Replicas] += one;
            if (slot.ExpiresAtUnixMs != 0 && slot.ExpiresAtUnixMs < _sumsUntilUnixMs)
            {
                _sumsUntilUnixMs = slot.ExpiresAtUnixMs;
            }
        }

        _hasSums = true;
    }
}
