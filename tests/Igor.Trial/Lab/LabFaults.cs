using Igor.Kbr;
using Igor.Simulation.Histories;

namespace Igor.Trial.Lab;

/// <summary>Does the faults of a plan to hosts and processes, and ends them.</summary>
internal sealed class LabFaults(TrialLab lab, HistoryPlan plan, Action<string> note)
{
    private readonly PriorityQueue<Action, TimeSpan> _due = new();
    private readonly Dictionary<TrialNode, int> _down = [];
    private readonly Dictionary<TrialNode, int> _full = [];
    private readonly Dictionary<TrialNode, int> _stalled = [];

    /// <summary>
    /// Until the plan is over; what is not over then is ended by <see cref="EndAllAsync"/>.
    /// </summary>
    public async Task RunAsync(TimeSpan start, CancellationToken cancellation)
    {
        foreach (PlannedFault fault in plan.Faults)
        {
            _due.Enqueue(() => Begin(fault), fault.At);
        }

        while (_due.TryPeek(out _, out TimeSpan at) && at <= plan.Length)
        {
            await lab.Clock.UntilAsync(start + at, cancellation);
            _due.Dequeue()();
        }

        await lab.Clock.UntilAsync(start + plan.Length, cancellation);
    }

    /// <summary>Ends all, for good; whoever is down starts.</summary>
    public async Task EndAllAsync()
    {
        lab.Network.HealAll();
        foreach (TrialNode node in lab.Present)
        {
            node.Host.Free();
            node.Host.SetClockRight();
            node.Signal(Tool.SigCont);
        }

        await Task.WhenAll(lab.Present.Select(node => node.StartAsync(lab.JoinThrough(node))));
    }

    private void Begin(PlannedFault fault)
    {
        List<TrialNode> here = NodesOf(fault.Here);
        List<TrialNode> there = fault.There.IsEmpty
            ? [.. lab.Present.Except(here)]
            : [.. NodesOf(fault.There).Except(here)];
        bool isCut = fault.Kind is FaultKind.Cut or FaultKind.CutOneWay;
        note($"{Word(fault.Kind)} {Names(here)}{(isCut ? $" from {Names(there)}" : null)}"
            + (fault.Amount == 0 ? null : $" by {fault.Amount:F1} s")
            + (fault.Kind == FaultKind.Join ? null : $" for {fault.Length.TotalSeconds:F1} s"));
        Action end = Begin(fault, here, there);
        _due.Enqueue(end, fault.End);
    }

    private Action Begin(PlannedFault fault, List<TrialNode> here, List<TrialNode> there)
    {
        int[] from = [.. here.Select(node => node.Index)];
        int[] to = [.. there.Select(node => node.Index)];
        switch (fault.Kind)
        {
            case FaultKind.Cut:
                lab.Network.Cut(from, to);
                lab.Network.Cut(to, from);
                return () =>
                {
                    lab.Network.Heal(from, to);
                    lab.Network.Heal(to, from);
                };
            case FaultKind.CutOneWay:
                lab.Network.Cut(from, to);
                return () => lab.Network.Heal(from, to);
            case FaultKind.Stall:
                return While(
                    here, _stalled, node => node.Signal(Tool.SigStop), node => node.Signal(Tool.SigCont));
            case FaultKind.Kill:
                return While(here, _down, node => node.Kill(), Start);
            case FaultKind.Leave:
                return While(here, _down, Leave, Start);
            case FaultKind.FullDisk:
                return While(here, _full, node => node.Host.Fill(), node => node.Host.Free());
            case FaultKind.ClockJump:
                here.ForEach(node => node.Host.ShiftClock(fault.Amount));
                return () => here.ForEach(node => node.Host.ShiftClock(-fault.Amount));
            case FaultKind.Join:
                if (lab.Spare is { } newcomer)
                {
                    note($"node {newcomer.Index} is new");
                    Start(newcomer);
                }

                return () => { };
            default:
                throw new TrialException($"no process can have the fault {fault.Kind}");
        }
    }

    // Who has it twice is rid of it when both have ended.
    private static Action While(
        List<TrialNode> nodes,
        Dictionary<TrialNode, int> count,
        Action<TrialNode> begin,
        Action<TrialNode> end)
    {
        foreach (TrialNode node in nodes)
        {
            count[node] = count.GetValueOrDefault(node) + 1;
            begin(node);
        }

        return () =>
        {
            foreach (TrialNode node in nodes.Where(node => --count[node] == 0))
            {
                end(node);
            }
        };
    }

    private void Start(TrialNode node) => lab.Watch(node.StartAsync(lab.JoinThrough(node)));

    private void Leave(TrialNode node)
    {
        if (node.IsRunning)
        {
            lab.Watch(TellAsync());
        }

        async Task TellAsync()
        {
            TimeSpan took = await node.LeaveAsync();
            note($"node {node.Index} has ended after {took.TotalSeconds:F1} s");
        }
    }

    private List<TrialNode> NodesOf(IEnumerable<FaultPlace> places) =>
        [.. places.Select(Find).OfType<TrialNode>().Distinct()];

    private TrialNode? Find(FaultPlace place)
    {
        if (place.Key < 0)
        {
            return lab.Nodes[place.Index];
        }

        PlannedKey key = plan.Keys[place.Key];
        Key middle = key.IsRegister ? HistoryWorld.MiddleOfCell(key.Key) : key.Key;
        TrialNode[] near = [.. lab.Nearest(middle).Where(node => node.IsRunning)];
        return near.Length == 0 ? null : near[place.Index % near.Length];
    }

    private static string Word(FaultKind kind) => kind switch
    {
        FaultKind.Cut => "cut",
        FaultKind.CutOneWay => "cut one way",
        FaultKind.Stall => "stop",
        FaultKind.Kill => "kill",
        FaultKind.Leave => "leave",
        FaultKind.FullDisk => "fill disk of",
        FaultKind.ClockJump => "set clock of",
        _ => "join at",
    };

    private static string Names(IReadOnlyCollection<TrialNode> nodes) =>
        string.Join(' ', nodes.Select(node => node.Index).Order());
}
