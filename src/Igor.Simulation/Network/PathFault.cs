namespace Igor.Simulation.Network;

/// <summary>Trouble on the way from some hosts to others, until it is healed.</summary>
public sealed class PathFault
{
    private readonly NetworkFaults _faults;
    private readonly HashSet<int> _from;
    private readonly HashSet<int> _to;
    private readonly bool _bothWays;

    internal PathFault(NetworkFaults faults, HashSet<int> from, HashSet<int> to, bool bothWays)
    {
        _faults = faults;
        _from = from;
        _to = to;
        _bothWays = bothWays;
    }

    /// <summary>Whether nothing gets through at all.</summary>
    internal bool Blocks { get; init; }

    internal TimeSpan ExtraDelay { get; init; }

    internal double ExtraLoss { get; init; }

    /// <summary>Ends the trouble. What waited on links goes out again, as TCP retransmits.</summary>
    public void Heal() => _faults.Heal(this);

    internal bool Matches(int from, int to) =>
        (_from.Contains(from) && _to.Contains(to)) || (_bothWays && _from.Contains(to) && _to.Contains(from));
}
