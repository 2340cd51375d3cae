namespace Igor.Node.Scheduling;

/// <summary>
/// The one timer of a strand. It is set again only when a deadline comes nearer; one that moved away makes it
/// ring too early once, which costs less than setting it at every message.
/// </summary>
public sealed class DeadlineTimer : IDisposable
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly ITimer _timer;
    private TimeSpan _rings = TimeSpan.MaxValue;

    /// <summary>Makes a timer that is not set.</summary>
    /// <param name="clock">Where timers come from.</param>
    /// <param name="rang">Called on a thread of the pool.</param>
    public DeadlineTimer(TimeProvider clock, Action rang) =>
        _timer = clock.CreateTimer(
            static state => ((Action)state!)(), rang, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>To be called when the timer rang, before it is set again.</summary>
    public void Clear() => _rings = TimeSpan.MaxValue;

    /// <summary>Sees to it that the timer rings at the deadline or before.</summary>
    public void Set(TimeSpan now, TimeSpan deadline)
    {
        if (deadline >= _rings)
        {
            return;
        }

        _rings = deadline;
        TimeSpan wait = deadline <= now ? TimeSpan.Zero : deadline - now;
        if (wait > LongestWait)
        {
            wait = LongestWait;
        }

        // Timers have whole milliseconds; rounding up keeps one from ringing just before its deadline.
        _timer.Change(
            TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();
}
