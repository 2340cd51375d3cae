namespace Igor.Simulation.Engine;

/// <summary>
/// Events ordered by time, and by the order of posting where times are equal. A 4-ary heap of small entries
/// beside a pool of event bodies: nothing is allocated once the arrays have grown.
/// </summary>
internal sealed class EventQueue
{
    private const int Arity = 4;
    private Entry[] _heap = new Entry[1024];
    private SimEvent[] _bodies = new SimEvent[1024];
    private int[] _free = new int[1024];
    private int _freeCount;
    private int _bodyCount;
    private long _sequence;

    public int Count { get; private set; }

    public long NextTime => _heap[0].Time;

    public void Post(long time, in SimEvent simEvent)
    {
        int slot = TakeSlot();
        _bodies[slot] = simEvent;
        if (Count == _heap.Length)
        {
            Array.Resize(ref _heap, Count * 2);
        }

        var entry = new Entry(time, _sequence++, slot);
        int at = Count++;
        while (at > 0)
        {
            int parent = (at - 1) / Arity;
            if (!entry.IsBefore(_heap[parent]))
            {
                break;
            }

            _heap[at] = _heap[parent];
            at = parent;
        }

        _heap[at] = entry;
    }

    public SimEvent Take(out long time)
    {
        Entry first = _heap[0];
        time = first.Time;
        SimEvent simEvent = _bodies[first.Slot];
        _bodies[first.Slot] = default;
        _free[_freeCount++] = first.Slot;
        Entry last = _heap[--Count];
        if (Count > 0)
        {
            SinkFromTop(last);
        }

        return simEvent;
    }

    private void SinkFromTop(Entry entry)
    {
        int at = 0;
        while (true)
        {
            int child = (at * Arity) + 1;
            if (child >= Count)
            {
                break;
            }

            int best = child;
            int end = Math.Min(child + Arity, Count);
            for (int i = child + 1; i < end; i++)
            {
                if (_heap[i].IsBefore(_heap[best]))
                {
                    best = i;
                }
            }

            if (!_heap[best].IsBefore(entry))
            {
                break;
            }

            _heap[at] = _heap[best];
            at = best;
        }

        _heap[at] = entry;
    }

    private int TakeSlot()
    {
        if (_freeCount > 0)
        {
            return _free[--_freeCount];
        }

        if (_bodyCount == _bodies.Length)
        {
            Array.Resize(ref _bodies, _bodyCount * 2);
            Array.Resize(ref _free, _bodyCount * 2);
        }

        return _bodyCount++;
    }

    private readonly record struct Entry(long Time, long Sequence, int Slot)
    {
        public bool IsBefore(in Entry other) =>
            Time != other.Time ? Time < other.Time : Sequence < other.Sequence;
    }
}
