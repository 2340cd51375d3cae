using System.Numerics;

namespace Igor.Simulation.Engine;

/// <summary>
/// Events ordered by time, and by the order of posting where times are equal. A timing wheel (Varghese and
/// Lauck, 1987) holds those of the next two minutes in buckets of some milliseconds, unordered; a heap
/// orders those of the bucket that has come, and another one keeps what lies beyond the wheel. So a hundred
/// thousand events that wait cost no more than a few. Nothing is allocated once the arrays have grown.
/// </summary>
internal sealed class EventQueue
{
    private const int BucketBits = 16; // of a time in ticks: 6.6 ms
    private const int Buckets = 1 << 14;
    private const int None = -1;
    private const int Outside = -2;

    private readonly EventHeap _near = new();
    private readonly EventHeap _far = new();
    private readonly int[] _heads = new int[Buckets];
    private readonly ulong[] _used = new ulong[Buckets / 64];
    private SimEvent[] _events = new SimEvent[1024];
    private (long Time, long Sequence)[] _order = new (long, long)[1024];
    private int[] _next = new int[1024]; // the next place of the same bucket, or of those that are free
    private int[] _previous = new int[1024]; // the one before it; None for the first
    private int _free = None;
    private int _placed;
    private int _inWheel;
    private long _sequence;

    // The bucket whose events are in the near heap, as those of all before it.
    private long _bucket;

    public EventQueue() => Array.Fill(_heads, None);

    public int Count => _near.Count + _inWheel + _far.Count;

    /// <summary>When the next event is due; there has to be one.</summary>
    public long NextTime
    {
        get
        {
            if (_near.Count == 0)
            {
                Advance();
            }

            return _near.NextTime;
        }
    }

    /// <summary>Adds an event; returns its place, for as long as it waits.</summary>
    public int Post(long time, in SimEvent simEvent)
    {
        int place = TakePlace();
        long sequence = _sequence++;
        _events[place] = simEvent;
        long bucket = time >> BucketBits;
        if (bucket <= _bucket)
        {
            _near.Add(new EventHeap.Entry(time, sequence, place));
        }
        else if (bucket < _bucket + Buckets)
        {
            _order[place] = (time, sequence);
            Push(bucket, place);
        }
        else
        {
            _far.Add(new EventHeap.Entry(time, sequence, place));
        }

        return place;
    }

    /// <summary>
    /// Takes an event out that waits; false, and nothing changes, where it is not in the wheel, since it is
    /// due within milliseconds or not for minutes.
    /// </summary>
    public bool TryCancel(int place)
    {
        int before = _previous[place];
        if (before == Outside)
        {
            return false;
        }

        int after = _next[place];
        if (before == None)
        {
            long bucket = _order[place].Time >> BucketBits;
            _heads[bucket % Buckets] = after;
            MarkUsed((int)(bucket % Buckets), after != None);
        }
        else
        {
            _next[before] = after;
        }

        if (after != None)
        {
            _previous[after] = before;
        }

        _inWheel--;
        Free(place);
        return true;
    }

    public SimEvent Take(out long time)
    {
        if (_near.Count == 0)
        {
            Advance();
        }

        EventHeap.Entry first = _near.Take();
        time = first.Time;
        SimEvent simEvent = _events[first.Place];
        Free(first.Place);
        return simEvent;
    }

    /// <summary>Goes on to the next bucket that has events.</summary>
    private void Advance()
    {
        _bucket = _inWheel > 0 ? NextUsed() : _far.NextTime >> BucketBits;
        while (_far.Count > 0 && _far.NextTime >> BucketBits is var bucket && bucket < _bucket + Buckets)
        {
            EventHeap.Entry entry = _far.Take();
            _order[entry.Place] = (entry.Time, entry.Sequence);
            Push(bucket, entry.Place);
        }

        int slot = (int)(_bucket % Buckets);
        for (int place = _heads[slot]; place != None; place = _next[place])
        {
            (long time, long sequence) = _order[place];
            _near.Add(new EventHeap.Entry(time, sequence, place));
            _previous[place] = Outside;
            _inWheel--;
        }

        _heads[slot] = None;
        MarkUsed(slot, isUsed: false);
    }

    /// <summary>The first bucket with events after the present one.</summary>
    private long NextUsed()
    {
        int start = (int)((_bucket + 1) % Buckets);
        ulong word = _used[start / 64] & (ulong.MaxValue << (start % 64));
        for (int at = start / 64; ; at = (at + 1) % _used.Length)
        {
            if (word != 0)
            {
                int slot = (at * 64) + BitOperations.TrailingZeroCount(word);
                return _bucket + 1 + ((slot - start + Buckets) % Buckets);
            }

            word = _used[(at + 1) % _used.Length];
        }
    }

    private void Push(long bucket, int place)
    {
        int slot = (int)(bucket % Buckets);
        int first = _heads[slot];
        _next[place] = first;
        _previous[place] = None;
        if (first != None)
        {
            _previous[first] = place;
        }

        _heads[slot] = place;
        MarkUsed(slot, isUsed: true);
        _inWheel++;
    }

    private void MarkUsed(int slot, bool isUsed)
    {
        ulong bit = 1UL << (slot % 64);
        _used[slot / 64] = isUsed ? _used[slot / 64] | bit : _used[slot / 64] & ~bit;
    }

    private void Free(int place)
    {
        _events[place] = default;
        _previous[place] = Outside;
        _next[place] = _free;
        _free = place;
    }

    private int TakePlace()
    {
        if (_free != None)
        {
            int place = _free;
            _free = _next[place];
            return place;
        }

        if (_placed == _events.Length)
        {
            Array.Resize(ref _events, _placed * 2);
            Array.Resize(ref _order, _placed * 2);
            Array.Resize(ref _next, _placed * 2);
            Array.Resize(ref _previous, _placed * 2);
        }

        _previous[_placed] = Outside;
        return _placed++;
    }
}
