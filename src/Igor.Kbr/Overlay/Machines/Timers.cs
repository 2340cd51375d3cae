namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// What the machines of a node want to do later, in order of time and then of asking. For the few, slow
/// timers of maintenance; requests have their own wheel.
/// </summary>
internal sealed class Timers
{
    private readonly PriorityQueue<Action<TimeSpan>, (TimeSpan At, long Order)> _queue = new();
    private long _order;

    public TimeSpan? NextDeadline => _queue.TryPeek(out _, out var first) ? first.At : null;

    public void Schedule(TimeSpan at, Action<TimeSpan> action) => _queue.Enqueue(action, (at, _order++));

    /// <summary>
    /// Does something again and again; the period is asked for anew each time. It goes on also when doing it
    /// fails.
    /// </summary>
    public void Repeat(TimeSpan now, Func<TimeSpan> period, Action<TimeSpan> action) =>
        new Repetition(this, period, action).Schedule(now);

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
    }

    /// <summary>Something that is done again and again, and costs no garbage each time.</summary>
    private sealed class Repetition
    {
        private readonly Timers _timers;
        private readonly Func<TimeSpan> _period;
        private readonly Action<TimeSpan> _action;
        private readonly Action<TimeSpan> _run;

        public Repetition(Timers timers, Func<TimeSpan> period, Action<TimeSpan> action)
        {
            _timers = timers;
            _period = period;
            _action = action;
            _run = Run;
        }

        public void Schedule(TimeSpan now) => _timers.Schedule(now + _period(), _run);

        private void Run(TimeSpan now)
        {
            try
            {
                _action(now);
            }
            finally
            {
                Schedule(now);
            }
        }
    }
}
