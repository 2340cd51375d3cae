using Igor.Simulation.Engine;

namespace Igor.Simulation.Network;

/// <summary>
/// Latency between sites of a matrix. Each host is placed at a random site and gets an access delay of its
/// own (0.5 to 5 ms each way), so that two hosts of one site are near but not at the same point.
/// </summary>
public sealed class SiteLatency : ILatencyModel
{
    private const double AccessMsMin = 0.5;
    private const double AccessMsMax = 5;
    private readonly float[][] _roundTripMs;
    private readonly List<(int Site, double AccessMs)> _hosts = [];

    internal SiteLatency(string name, float[][] roundTripMs)
    {
        Name = name;
        _roundTripMs = roundTripMs;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>Number of sites.</summary>
    public int Sites => _roundTripMs.Length;

    /// <inheritdoc/>
    public void Place(int host, SimRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfNotEqual(host, _hosts.Count);
        _hosts.Add((random.NextInt(Sites), random.Between(AccessMsMin, AccessMsMax)));
    }

    /// <inheritdoc/>
    public TimeSpan OneWay(int from, int to)
    {
        if (from == to)
        {
            return TimeSpan.FromMicroseconds(30);
        }

        (int siteA, double accessA) = _hosts[from];
        (int siteB, double accessB) = _hosts[to];
        double ms = (_roundTripMs[siteA][siteB] / 2) + accessA + accessB;
        return new TimeSpan((long)(ms * TimeSpan.TicksPerMillisecond));
    }

    /// <summary>Round-trip time between two sites, in milliseconds, without access delays.</summary>
    internal double RoundTripMs(int siteA, int siteB) => _roundTripMs[siteA][siteB];
}
