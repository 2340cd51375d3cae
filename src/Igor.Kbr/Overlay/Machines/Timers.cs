namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// What the machines of a node want to do later, in order of time and then of asking. For the few, slow
/// timers of maintenance; requests have their own heap.
/// </summary>
internal sealed class Timers
{
    private readonly PriorityQueue<Action<TimeSpan>, (TimeSpan At, long Order)> _queue = new();
    private long _order;

    public TimeSpan? NextDeadline => _queue.TryPeek(out _, out var first) ? first.At : null;

    public void Schedule(TimeSpan at, Action<TimeSpan> action) => _queue.Enqueue(action, (at, _order++));

    /// <summary>
    /// Does something again and again; the period is asked for anew each time. It goes on also when doing it
    /// fails, and costs no garbage each time.
    /// </summary>
    public void Repeat(TimeSpan now, Func<TimeSpan> period, Action<TimeSpan> action)
    {
        Action<TimeSpan> run = null!;
        run = later =>
        {
            try
            {
                action(later);
            }
            finally
            {
                Schedule(later + period(), run);
            }
        };
        Schedule(now + period(), run);
    }

    /// <summary>Runs what is due; what that schedules for no later than now runs in the next call.</summary>
    public void RunDue(TimeSpan now)
    {
        long newest = _order;
        while (_queue.TryPeek(out Action<TimeSpan>? action, out var first)
            && first.At <= now && first.Order < newest)
        {
            _queue.Dequeue();
            action(now);
        }

        if (_queue.Count < _queue.Capacity / 4)
        {
            _queue.TrimExcess(); // each connection that was made left one for a moment
        }
    }
}
