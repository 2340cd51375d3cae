namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// How fast a total grows that is looked at now and then: in the first minute on average of all time since,
/// later of about the last one. Time comes in with each look.
/// </summary>
/// <param name="start">When the total was 0.</param>
internal sealed class AverageRate(TimeSpan start)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private TimeSpan _lookedAt = start;
    private TimeSpan _age;
    private long _total;
    private double _perSecond;

    /// <summary>The rate in a second, now that the total is so much.</summary>
    public double Look(TimeSpan now, long total)
    {
        TimeSpan passed = now - _lookedAt;
        if (passed > TimeSpan.Zero)
        {
            _age += passed;
            double weight = Math.Min(1, passed / (_age < Window ? _age : Window));
            _perSecond += weight * (((total - _total) / passed.TotalSeconds) - _perSecond);
            _lookedAt = now;
            _total = total;
        }

        return _perSecond;
    }
}
