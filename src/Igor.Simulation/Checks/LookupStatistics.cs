namespace Igor.Simulation.Checks;

/// <summary>What a series of lookups found.</summary>
public sealed class LookupStatistics
{
    private readonly List<double> _latenciesMs = [];
    private readonly List<double> _stretches = [];
    private long _hops;

    /// <summary>Lookups that are on their way.</summary>
    public int Open { get; private set; }

    /// <summary>Lookups that ended.</summary>
    public int Ended { get; private set; }

    /// <summary>Lookups that ended at the true root.</summary>
    public int Right { get; private set; }

    /// <summary>Lookups that were answered by another node.</summary>
    public int Wrong { get; private set; }

    /// <summary>Fraction that ended at the true root; those that never end did not.</summary>
    public double Success => Ended + Open == 0 ? 0 : (double)Right / (Ended + Open);

    /// <summary>Mean number of hops on the way to the root, of those that succeeded.</summary>
    public double HopsMean => Right == 0 ? 0 : (double)_hops / Right;

    /// <summary>Median ratio of the lookup's time to a direct round trip between origin and root.</summary>
    public double StretchMedian => Quantile(_stretches, 0.5);

    /// <summary>Time of a successful lookup in milliseconds at a quantile (0.5 is the median).</summary>
    public double LatencyMs(double quantile) => Quantile(_latenciesMs, quantile);

    internal void Start() => Open++;

    internal void Abandon() => Open--;

    internal void Add(bool isRight, bool isAnswered, TimeSpan latency, int hops, TimeSpan direct)
    {
        Open--;
        Ended++;
        if (isRight)
        {
            Right++;
            _hops += hops;
            _latenciesMs.Add(latency.TotalMilliseconds);
            if (direct > TimeSpan.Zero)
            {
                _stretches.Add(latency / direct);
            }
        }
        else if (isAnswered)
        {
            Wrong++;
        }
    }

    internal static double Quantile(List<double> values, double quantile)
    {
        if (values.Count == 0)
        {
            return 0;
        }

        values.Sort();
        return values[Math.Min((int)(quantile * values.Count), values.Count - 1)];
    }
}
