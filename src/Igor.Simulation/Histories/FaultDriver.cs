using Igor.Simulation.Network;

namespace Igor.Simulation.Histories;

/// <summary>Does the faults of a plan to a network, and ends them.</summary>
internal sealed class FaultDriver(HistoryWorld world, Transcript transcript)
{
    private static readonly TimeSpan s_leaveWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_backAfter = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Two steps, each shorter than deletes are remembered, so that those who are there note that they were.
    /// </summary>
    private static readonly TimeSpan s_leap = TimeSpan.FromDays(6.9);

    private readonly Dictionary<SimulatedNode, int> _down = [];
    private readonly Dictionary<SimulatedNode, int> _full = [];
    private readonly Dictionary<SimulatedNode, TimeSpan> _skews = [];
    private bool _isOver;

    /// <summary>How long both steps of months take, for those who are there.</summary>
    public static TimeSpan MonthsLength { get; } = TimeSpan.FromSeconds(690);

    /// <summary>From now on faults come as planned.</summary>
    public void Begin()
    {
        foreach (PlannedFault fault in world.Plan.Faults)
        {
            world.Network.Engine.After(fault.At, () =>
            {
                if (!_isOver)
                {
                    Begin(fault);
                }
            });
        }
    }

    /// <summary>Ends all, for good; whoever is down starts.</summary>
    public void EndAll()
    {
        _isOver = true;
        transcript.Note(() => "all faults end");
        world.Network.Faults.HealAll();
        _down.Clear();
        foreach (SimulatedNode node in world.Network.Nodes)
        {
            node.Disk.IsFull = false;
            node.Disk.ExtraCommitTime = TimeSpan.Zero;
            node.ClockSkew = _skews.GetValueOrDefault(node, node.ClockSkew);
            StartIfDown(node);
        }
    }

    private static void StartIfDown(SimulatedNode node)
    {
        if (!node.IsRunning)
        {
            node.Start();
        }
    }

    private void Begin(PlannedFault fault)
    {
        List<SimulatedNode> here = NodesOf(fault.Here);
        List<SimulatedNode> there = fault.There.IsEmpty
            ? [.. world.Network.Nodes.Except(here)]
            : [.. NodesOf(fault.There).Except(here)];
        transcript.Note(() => $"{fault.Kind} of {Names(here)}"
            + (fault.Kind is FaultKind.Cut or FaultKind.CutOneWay or FaultKind.Clog
                ? $" from {Names(there)}" : string.Empty)
            + (fault.Amount == 0 ? string.Empty : $" by {fault.Amount:F1}")
            + $" for {fault.Length.TotalSeconds:F1} s");
        Action end = Begin(fault, here, there);
        world.Network.Engine.After(fault.Length, () =>
        {
            if (!_isOver)
            {
                transcript.Note(() => $"end of {fault.Kind} of {Names(here)}");
                end();
            }
        });
    }

    private Action Begin(PlannedFault fault, List<SimulatedNode> here, List<SimulatedNode> there)
    {
        NetworkFaults paths = world.Network.Faults;
        var amount = TimeSpan.FromSeconds(fault.Amount);
        switch (fault.Kind)
        {
            case FaultKind.Cut:
                return paths.Partition(here, there).Heal;
            case FaultKind.CutOneWay:
                return paths.PartitionOneWay(here, there).Heal;
            case FaultKind.Clog:
                return paths.Clog(here, there, amount, 0.2).Heal;
            case FaultKind.Stall:
                here.ForEach(node => node.Stall(fault.Length));
                return () => { };
            case FaultKind.Kill:
                return TakeDown(here, node => node.Crash());
            case FaultKind.PowerCut:
                return TakeDown(here, node => node.PowerOff());
            case FaultKind.Leave:
                return TakeDown(here, Leave);
            case FaultKind.Drain:
                return TakeDown(here, node => Drain(node, fault.Length));
            case FaultKind.Join:
                world.Join();
                return () => { };
            case FaultKind.MonthsAway:
                return LetMonthsPass(here);
            default:
                return DisturbHosts(fault.Kind, here, amount);
        }
    }

    private Action DisturbHosts(FaultKind kind, List<SimulatedNode> here, TimeSpan amount)
    {
        void Set(int sign)
        {
            foreach (SimulatedNode node in here)
            {
                _skews.TryAdd(node, node.ClockSkew);
                _full[node] = _full.GetValueOrDefault(node) + (kind == FaultKind.FullDisk ? sign : 0);
                node.Disk.IsFull = _full[node] > 0;
                node.Disk.ExtraCommitTime += kind == FaultKind.SlowDisk ? sign * amount : TimeSpan.Zero;
                node.ClockSkew += kind == FaultKind.ClockJump ? sign * amount : TimeSpan.Zero;
            }
        }

        Set(1);
        return () => Set(-1);
    }

    // Whoever is taken down twice starts when both have ended.
    private Action TakeDown(List<SimulatedNode> nodes, Action<SimulatedNode> end)
    {
        foreach (SimulatedNode node in nodes)
        {
            _down[node] = _down.GetValueOrDefault(node) + 1;
            if (node.IsRunning)
            {
                end(node);
            }
        }

        return () =>
        {
            foreach (SimulatedNode node in nodes)
            {
                _down[node] = _down.GetValueOrDefault(node) - 1;
                if (_down[node] <= 0)
                {
                    StartIfDown(node);
                }
            }
        };
    }

    private void Leave(SimulatedNode node)
    {
        world.DhtOf(node).BeginLeaving(s_leaveWithin, () => EndLeaving(node, "has left"));
    }

    private void Drain(SimulatedNode node, TimeSpan within)
    {
        world.DhtOf(node).BeginDraining(within, () => EndLeaving(node, "is drained"));
    }

    private void EndLeaving(SimulatedNode node, string what)
    {
        world.DhtOf(node).Close();
        node.Leave();
        transcript.Note(() => $"node {node.Index} {what}");
        if (_down.GetValueOrDefault(node) <= 0)
        {
            world.Network.Engine.After(s_backAfter, () => StartIfDown(node)); // it took too long
        }
    }

    private Action LetMonthsPass(List<SimulatedNode> away)
    {
        Action back = TakeDown(away, node => node.PowerOff());
        world.Network.Engine.After(TimeSpan.FromSeconds(10), () => world.Leap(s_leap));
        world.Network.Engine.After(TimeSpan.FromSeconds(660), () => world.Leap(s_leap));
        return back;
    }

    private List<SimulatedNode> NodesOf(IEnumerable<FaultPlace> places) =>
        [.. places.Select(world.Find).OfType<SimulatedNode>().Distinct()];

    private static string Names(IReadOnlyCollection<SimulatedNode> nodes) =>
        string.Join(", ", nodes.Select(node => $"{node.Index}"));
}
