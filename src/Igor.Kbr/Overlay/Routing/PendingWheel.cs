namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// The requests that wait, by their deadlines: a timing wheel (Varghese and Lauck, 1987) of
/// <see cref="Tick"/>, so that adding and removing cost the same however many wait. Deadlines beyond the
/// wheel go round again. It grows with what is in it: most nodes have a request or two, and there may be
/// thousands of nodes in one memory.
/// </summary>
internal sealed class PendingWheel
{
    private const int SlotsMin = 64;
    private const int SlotsMax = 1024;

    // A list of its own beside the wheel's, for entries that are due: the others of their slot are passed by
    // once a round, not once for each that is due.
    private const int DueSlot = SlotsMax;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private Pending?[] _slots = [];
    private Pending? _due;
    private long _currentTick;
    private int _count;

    /// <summary>
    /// When the next entry may be due; a little early at times, never late by more than a tick.
    /// </summary>
    public TimeSpan? NextDeadline
    {
        get
        {
            if (_count == 0)
            {
                return null;
            }

            if (_due is not null)
            {
                return Tick * _currentTick;
            }

            int empty = 0;
            while (empty < _slots.Length && !IsAnyDue(_currentTick + empty))
            {
                empty++;
            }

            return Tick * (_currentTick + empty + 1);
        }
    }

    /// <summary>Takes an entry in.</summary>
    public void Add(TimeSpan now, Pending entry)
    {
        if (_count == 0)
        {
            _currentTick = TickOf(now);
        }

        if (++_count > _slots.Length && _slots.Length < SlotsMax)
        {
            Grow();
        }

        Insert(entry);
    }

    /// <summary>Takes an entry out.</summary>
    public void Remove(Pending entry)
    {
        Unlink(entry);
        _count--;
    }

    /// <summary>An entry that is in has another deadline now.</summary>
    public void Move(Pending entry)
    {
        Unlink(entry);
        Insert(entry);
    }

    /// <summary>The next entry that is due, or null. The caller handles and removes it.</summary>
    public Pending? NextDue(TimeSpan now)
    {
        long nowTick = TickOf(now);
        while (_due is null && _count > 0 && _currentTick < nowTick)
        {
            TakeDue(now, SlotOf(_currentTick++));
        }

        return _due;
    }

    private static long TickOf(TimeSpan time) => time.Ticks / Tick.Ticks;

    private int SlotOf(long tick) => (int)(tick % _slots.Length);

    /// <summary>Whether the slot of a tick holds an entry that is for this round.</summary>
    private bool IsAnyDue(long tick)
    {
        for (Pending? entry = _slots[SlotOf(tick)]; entry is not null; entry = entry.After)
        {
            if (TickOf(entry.Deadline) <= tick)
            {
                return true;
            }
        }

        return false;
    }

    private void TakeDue(TimeSpan now, int slot)
    {
        for (Pending? entry = _slots[slot]; entry is not null;)
        {
            Pending? after = entry.After;
            if (entry.Deadline <= now)
            {
                Unlink(entry);
                Push(entry, DueSlot);
            }

            entry = after;
        }
    }

    private void Grow()
    {
        Pending?[] before = _slots;
        _slots = new Pending?[Math.Max(SlotsMin, before.Length * 4)];
        foreach (Pending? newest in before)
        {
            Pending? entry = newest;
            while (entry?.After is { } older)
            {
                entry = older;
            }

            // The oldest first, so that those of one slot stay in the order in which they came.
            while (entry is not null)
            {
                Pending? younger = entry.Before;
                Insert(entry);
                entry = younger;
            }
        }
    }

    private void Insert(Pending entry) => Push(entry, SlotOf(Math.Max(TickOf(entry.Deadline), _currentTick)));

    private void Push(Pending entry, int slot)
    {
        ref Pending? first = ref FirstOf(slot);
        entry.Slot = slot;
        entry.Before = null;
        entry.After = first;
        if (first is not null)
        {
            first.Before = entry;
        }

        first = entry;
    }

    private void Unlink(Pending entry)
    {
        if (entry.Before is not null)
        {
            entry.Before.After = entry.After;
        }
        else
        {
            FirstOf(entry.Slot) = entry.After;
        }

        if (entry.After is not null)
        {
            entry.After.Before = entry.Before;
        }

        entry.Slot = -1;
        entry.After = null;
        entry.Before = null;
    }

    private ref Pending? FirstOf(int slot) => ref slot == DueSlot ? ref _due : ref _slots[slot];
}
