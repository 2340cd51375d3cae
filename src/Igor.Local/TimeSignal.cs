using Igor.Kbr;

namespace Igor.Local;

/// <summary>
/// Tells applications the time whenever it is not what they expect by what they were told before, and once in
/// a while: an application that was stopped or a machine that slept has lost count.
/// </summary>
internal sealed class TimeSignal(Func<NetworkTime> time, TimeProvider clock)
{
    /// <summary>How often the time is looked at; applications are wrong for no longer than that.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private const long ToleranceMs = 100;
    private static readonly TimeSpan RepeatPeriod = TimeSpan.FromSeconds(15);

    private NetworkTime _told = time();
    private long _toldAt = clock.GetTimestamp();

    /// <summary>What applications are to be told; null when they know.</summary>
    public NetworkTime? Next()
    {
        NetworkTime now = time();
        TimeSpan passed = clock.GetElapsedTime(_toldAt);
        long expected = _told.UnixMs + (long)passed.TotalMilliseconds;
        if (passed < RepeatPeriod && now.IsTrusted == _told.IsTrusted
            && Math.Abs(now.UnixMs - expected) <= ToleranceMs)
        {
            return null;
        }

        _told = now;
        _toldAt = clock.GetTimestamp();
        return now;
    }
}
