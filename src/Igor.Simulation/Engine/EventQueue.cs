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

    private readonly EventHeap _near = new();
    private readonly EventHeap _far = new();
    private readonly int[] _heads = new int[Buckets];
    private readonly ulong[] _used = new ulong[Buckets / 64];
    private SimEvent[] _events = new SimEvent[1024];
    private (long Time, long Sequence)[] _order = new (long, long)[1024];
    private int[] _next = new int[1024]; // the next place of the same bucket, or of those that are free
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

    public void Post(long time, in SimEvent simEvent)
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
        _events[first.Place] = default;
        _next[first.Place] = _free;
        _free = first.Place;
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
            _inWheel--;
        }

        _heads[slot] = None;
        _used[slot / 64] &= ~(1UL << (slot % 64));
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
        _next[place] = _heads[slot];
        _heads[slot] = place;
        _used[slot / 64] |= 1UL << (slot % 64);
        _inWheel++;
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
        }

        return _placed++;
    }
}
