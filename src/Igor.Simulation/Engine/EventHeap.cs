namespace Igor.Simulation.Engine;

/// <summary>
/// Events in the order of time, and of posting where times are equal: a 4-ary heap of small entries that name
/// the places of events elsewhere.
/// </summary>
internal sealed class EventHeap
{
    private const int Arity = 4;
    private Entry[] _entries = new Entry[64];

    public int Count { get; private set; }

    public long NextTime => _entries[0].Time;

    public void Add(in Entry entry)
    {
        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Count * 2);
        }

        int at = Count++;
        while (at > 0)
        {
            int parent = (at - 1) / Arity;
            if (!entry.IsBefore(_entries[parent]))
            {
                break;
            }

            _entries[at] = _entries[parent];
            at = parent;
        }

        _entries[at] = entry;
    }

    public Entry Take()
    {
        Entry first = _entries[0];
        Entry last = _entries[--Count];
        if (Count > 0)
        {
            SinkFromTop(last);
        }

        return first;
    }

    private void SinkFromTop(in Entry entry)
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
                if (_entries[i].IsBefore(_entries[best]))
                {
                    best = i;
                }
            }

            if (!_entries[best].IsBefore(entry))
            {
                break;
            }

            _entries[at] = _entries[best];
            at = best;
        }

        _entries[at] = entry;
    }

    /// <summary>An event that waits.</summary>
    /// <param name="Time">When it is due.</param>
    /// <param name="Sequence">Number in the order of posting.</param>
    /// <param name="Place">Where the event is.</param>
    public readonly record struct Entry(long Time, long Sequence, int Place)
    {
        public bool IsBefore(in Entry other) =>
            Time != other.Time ? Time < other.Time : Sequence < other.Sequence;
    }
}
