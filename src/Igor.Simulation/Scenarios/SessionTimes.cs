using Igor.Simulation.Engine;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// How long nodes stay: a Weibull distribution, of which the exponential one is that with shape 1.
/// </summary>
/// <remarks>
/// Stutzbach and Rejaie ("Understanding Churn in Peer-to-Peer Networks", IMC'06) fitted Weibull distributions
/// with shapes from 0.34 to 0.59 to the sessions of Gnutella, Kad and BitTorrent: many leave within minutes,
/// and most of those that are there at any moment stay for long.
/// </remarks>
internal sealed class SessionTimes
{
    private const int ResidualSamples = 8192;

    private readonly SimRandom _random;
    private readonly double _scaleSeconds;
    private readonly double _shape;

    public SessionTimes(SimRandom random, TimeSpan median, double shape)
    {
        _random = random;
        _shape = shape;
        _scaleSeconds = median.TotalSeconds / Math.Pow(Math.Log(2), 1 / shape);
    }

    /// <summary>How long a newcomer will stay.</summary>
    public TimeSpan Next()
    {
        double seconds = _scaleSeconds * Math.Pow(_random.Exponential(1), 1 / _shape);
        return TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.MaxValue.TotalSeconds / 4));
    }

    /// <summary>
    /// How long nodes will still stay that are found in a network where newcomers have taken the places of
    /// the dead for ever: the rest of sessions drawn by their length.
    /// </summary>
    public IEnumerable<TimeSpan> Residuals()
    {
        TimeSpan[] sessions = [.. Enumerable.Range(0, ResidualSamples).Select(_ => Next())];
        double[] sums = new double[sessions.Length];
        double sum = 0;
        for (int i = 0; i < sessions.Length; i++)
        {
            sum += sessions[i].TotalSeconds;
            sums[i] = sum;
        }

        while (true)
        {
            int at = Array.BinarySearch(sums, _random.Between(0, sum));
            yield return sessions[Math.Min(at < 0 ? ~at : at, sessions.Length - 1)] * _random.NextDouble();
        }
    }
}
