namespace Igor.Simulation.Network;

/// <summary>
/// Faults of the network between hosts. A link over a partitioned path stays open and silent, as TCP
/// connections do; what was sent on it arrives after the healing, late. New connections over it time out.
/// </summary>
public sealed class NetworkFaults
{
    private readonly List<PathFault> _active = [];
    private readonly Action _healed;

    internal NetworkFaults(Action healed) => _healed = healed;

    /// <summary>Number of faults that are not healed.</summary>
    public int Active => _active.Count;

    /// <summary>Nothing gets through between the two groups, in either direction.</summary>
    public PathFault Partition(IEnumerable<SimulatedNode> left, IEnumerable<SimulatedNode> right) =>
        Add(new PathFault(this, Indexes(left), Indexes(right), bothWays: true) { Blocks = true });

    /// <summary>Nothing gets through from one group to the other; the other direction works.</summary>
    public PathFault PartitionOneWay(IEnumerable<SimulatedNode> from, IEnumerable<SimulatedNode> to) =>
        Add(new PathFault(this, Indexes(from), Indexes(to), bothWays: false) { Blocks = true });

    /// <summary>The paths between two groups become slow and lossy.</summary>
    /// <param name="left">One group.</param>
    /// <param name="right">The other group.</param>
    /// <param name="extraDelay">Added to each one-way latency.</param>
    /// <param name="extraLoss">Added to the fraction of packets lost.</param>
    public PathFault Clog(
        IEnumerable<SimulatedNode> left,
        IEnumerable<SimulatedNode> right,
        TimeSpan extraDelay,
        double extraLoss) =>
        Add(new PathFault(this, Indexes(left), Indexes(right), bothWays: true)
        {
            ExtraDelay = extraDelay,
            ExtraLoss = extraLoss,
        });

    /// <summary>Ends all faults.</summary>
    public void HealAll()
    {
        _active.Clear();
        _healed();
    }

    internal void Heal(PathFault fault)
    {
        if (_active.Remove(fault))
        {
            _healed();
        }
    }

    internal bool IsBlocked(int from, int to)
    {
        foreach (PathFault fault in _active)
        {
            if (fault.Blocks && fault.Matches(from, to))
            {
                return true;
            }
        }

        return false;
    }

    internal (TimeSpan Delay, double Loss) Added(int from, int to)
    {
        TimeSpan delay = TimeSpan.Zero;
        double loss = 0;
        foreach (PathFault fault in _active)
        {
            if (!fault.Blocks && fault.Matches(from, to))
            {
                delay += fault.ExtraDelay;
                loss += fault.ExtraLoss;
            }
        }

        return (delay, loss);
    }

    private static HashSet<int> Indexes(IEnumerable<SimulatedNode> nodes) =>
        [.. nodes.Select(node => node.Index)];

    private PathFault Add(PathFault fault)
    {
        _active.Add(fault);
        return fault;
    }
}
