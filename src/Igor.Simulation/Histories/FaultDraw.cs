using System.Collections.Immutable;
using Igor.Simulation.Engine;

namespace Igor.Simulation.Histories;

/// <summary>Draws the faults of a plan: of few kinds each time, which come again and overlap.</summary>
internal static class FaultDraw
{
    private const double ShortestToLongest = 45;

    /// <summary>Those of a simulated network, as likely.</summary>
    private static readonly ImmutableArray<FaultKind> s_kinds =
    [
        FaultKind.Cut, FaultKind.Cut, FaultKind.CutOneWay, FaultKind.Clog, FaultKind.Stall, FaultKind.Kill,
        FaultKind.PowerCut, FaultKind.Leave, FaultKind.Drain, FaultKind.FullDisk, FaultKind.SlowDisk,
        FaultKind.ClockJump, FaultKind.Join,
    ];

    /// <summary>Those that hosts and processes can be made to have, as likely.</summary>
    public static readonly ImmutableArray<FaultKind> OfProcesses =
    [
        FaultKind.Cut, FaultKind.Cut, FaultKind.CutOneWay, FaultKind.Stall, FaultKind.Kill, FaultKind.Leave,
        FaultKind.FullDisk, FaultKind.ClockJump, FaultKind.Join,
    ];

    public static ImmutableArray<PlannedFault> Draw(SimRandom random, HistoryPlan plan) =>
        Draw(random, plan, s_kinds);

    /// <summary>Draws faults of some of the kinds given.</summary>
    public static ImmutableArray<PlannedFault> Draw(
        SimRandom random, HistoryPlan plan, ImmutableArray<FaultKind> ofKinds)
    {
        List<FaultKind> kinds = random.Sample(ofKinds, 1 + random.NextInt(4));
        int count = 2 + random.NextInt(6);
        var faults = new List<PlannedFault>();
        for (int at = 0; at < count; at++)
        {
            faults.AddRange(Draw(random, plan, kinds[random.NextInt(kinds.Count)]));
        }

        return [.. faults.OrderBy(fault => fault.At)];
    }

    /// <summary>A node is away until deletes are forgotten.</summary>
    public static ImmutableArray<PlannedFault> Months(SimRandom random, HistoryPlan plan) =>
    [
        new(
            FaultKind.MonthsAway,
            TimeSpan.FromSeconds(5),
            FaultDriver.MonthsLength,
            [DrawPlace(random, plan)],
            []),
    ];

    private static IEnumerable<PlannedFault> Draw(SimRandom random, HistoryPlan plan, FaultKind kind)
    {
        double length = 0.3 * Math.Pow(ShortestToLongest, random.NextDouble());
        var at = TimeSpan.FromSeconds(random.Between(0.5, plan.Length.TotalSeconds - length - 0.5));
        var fault = new PlannedFault(kind, at, TimeSpan.FromSeconds(length), [DrawPlace(random, plan)], []);
        switch (kind)
        {
            case FaultKind.Cut:
            case FaultKind.CutOneWay:
                return DrawCuts(random, plan, fault);
            case FaultKind.Clog:
                return [fault with { Amount = random.Between(0.05, 1), Here = DrawSome(random, plan) }];
            case FaultKind.Kill or FaultKind.PowerCut when random.NextInt(5) == 0:
                return [fault with { Here = All(plan) }];
            case FaultKind.SlowDisk:
                return [fault with { Amount = random.Between(0.05, 3), Here = DrawSome(random, plan) }];
            case FaultKind.ClockJump:
                double seconds = Math.Pow(10, random.Between(0, 6)) * (random.NextInt(2) == 0 ? 1 : -1);
                return [fault with { Amount = seconds }];
            case FaultKind.Join:
                return [fault];
            default:
                return [random.NextInt(3) == 0 ? fault with { Here = DrawSome(random, plan) } : fault];
        }
    }

    // One link; a node and all others; two groups; or some links, so that who is reached by one is not by
    // another.
    private static IEnumerable<PlannedFault> DrawCuts(SimRandom random, HistoryPlan plan, PlannedFault fault)
    {
        switch (random.NextInt(4))
        {
            case 0:
                return [fault];
            case 1:
                return [fault with { Here = DrawSome(random, plan) }];
            case 2:
                return [fault with { There = [DrawPlace(random, plan)] }];
            default:
                return
                [
                    .. Enumerable.Range(0, 1 + random.NextInt(plan.Nodes)).Select(_ => fault with
                    {
                        Here = [DrawPlace(random, plan)],
                        There = [DrawPlace(random, plan)],
                    }),
                ];
        }
    }

    private static ImmutableArray<FaultPlace> All(HistoryPlan plan) =>
        [.. Enumerable.Range(0, plan.Nodes).Select(at => new FaultPlace(at))];

    private static ImmutableArray<FaultPlace> DrawSome(SimRandom random, HistoryPlan plan) =>
        [.. random.Sample(All(plan), 1 + random.NextInt(Math.Max(1, plan.Nodes - 1)))];

    // Often one that matters.
    private static FaultPlace DrawPlace(SimRandom random, HistoryPlan plan) => random.NextInt(2) == 0
        ? new FaultPlace(random.NextInt(plan.Nodes))
        : new FaultPlace(random.NextInt(3), random.NextInt(plan.Keys.Length));
}
