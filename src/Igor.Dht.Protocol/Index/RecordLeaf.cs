using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>
/// A run of holdings in key order, with the fingerprints of the whole run, which are made when asked for and
/// kept until something in it changes or ends.
/// </summary>
internal sealed class HoldingChunk
{
    /// <summary>Most holdings in a run; a longer one is cut in two.</summary>
    public const int LengthMax = 512;

    private readonly Fingerprint[] _sums = new Fingerprint[RecordCodec.ReplicasMax + 1];
    private Holding[] _items;
    private bool _hasSums;
    private long _sumsFromUnixMs;
    private long _sumsUntilUnixMs;

    /// <summary>An empty run.</summary>
    public HoldingChunk() => _items = new Holding[16];

    private HoldingChunk(ReadOnlySpan<Holding> items)
    {
        _items = new Holding[LengthMax];
        items.CopyTo(_items);
        Count = items.Length;
    }

    /// <summary>Number of holdings.</summary>
    public int Count { get; private set; }

    /// <summary>The holdings, in key order.</summary>
    public ReadOnlySpan<Holding> Items => _items.AsSpan(0, Count);

    /// <summary>The smallest key.</summary>
    public Key First => _items[0].Key;

    /// <summary>The largest key.</summary>
    public Key Last => _items[Count - 1].Key;

    /// <summary>Index of the first holding whose key is not smaller.</summary>
    public int IndexAtOrAfter(Key key)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_items[middle].Key < key)
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

    /// <summary>Puts a holding at an index, moving those behind it.</summary>
    public void Insert(int index, in Holding holding)
    {
        if (Count == _items.Length)
        {
            Array.Resize(ref _items, Math.Min(LengthMax, Count * 2));
        }

        Array.Copy(_items, index, _items, index + 1, Count - index);
        _items[index] = holding;
        Count++;
        _hasSums = false;
    }

    /// <summary>Puts a holding in the place of another.</summary>
    public void Replace(int index, in Holding holding)
    {
        _items[index] = holding;
        _hasSums = false;
    }

    /// <summary>Takes a holding out.</summary>
    public void RemoveAt(int index)
    {
        Count--;
        Array.Copy(_items, index + 1, _items, index, Count - index);
        _items[Count] = default;
        _hasSums = false;
    }

    /// <summary>Cuts the upper half off.</summary>
    public HoldingChunk Split()
    {
        int half = Count / 2;
        var upper = new HoldingChunk(_items.AsSpan(half, Count - half));
        Array.Clear(_items, half, Count - half);
        Count = half;
        _hasSums = false;
        return upper;
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

        return _sums[replicas];
    }

    private void MakeSums(long nowUnixMs)
    {
        Array.Clear(_sums);
        _sumsFromUnixMs = long.MinValue; // clocks are set back, and what had ended has not
        _sumsUntilUnixMs = long.MaxValue;
        foreach (ref readonly Holding item in Items)
        {
            if (item.IsExpiredAt(nowUnixMs))
            {
                _sumsFromUnixMs = Math.Max(_sumsFromUnixMs, item.ExpiresAtUnixMs);
                continue;
            }

            Fingerprint one = Fingerprint.Of(item.Key, item.Version);
            _sums[0] += one;
            _sums[item.Replicas] += one;
            if (item.ExpiresAtUnixMs != 0 && item.ExpiresAtUnixMs < _sumsUntilUnixMs)
            {
                _sumsUntilUnixMs = item.ExpiresAtUnixMs;
            }
        }

        _hasSums = true;
    }
}
