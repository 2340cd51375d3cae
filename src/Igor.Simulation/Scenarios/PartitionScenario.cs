using Igor.Simulation.Checks;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// Partitions of all kinds, clogged paths and stalled processes; then everything heals and must be one ring.
/// </summary>
public sealed class PartitionScenario : IScenario
{
    private const string Service = "probe";

    private static readonly ScenarioParameter Rounds = new(
        "rounds", "Number of faults, one after another.", 4, 1, 1000);

    private static readonly ScenarioParameter FaultSeconds = new(
        "fault-seconds", "How long each fault lasts.", 60, 1, 36_000);

    private static readonly ScenarioParameter CutFraction = new(
        "cut-fraction", "Fraction of the nodes on one side; 0: drawn from 0.2 to 0.5 each time.", 0, 0, 0.5);

    private static readonly ScenarioParameter Lookups = new(
        "lookups", "Keys routed after each fault.", 300, 1, 100_000);

    private static readonly ScenarioParameter LimitSeconds = new(
        "limit-seconds", "The rings have to be one again this long after a fault.", 240, 1, 3600);

    /// <inheritdoc/>
    public string Name => "partition";

    /// <inheritdoc/>
    public string Summary =>
        "Faults come one after another: a clean partition into two rings, one in a single direction, clogged "
        + "and lossy paths, stalled processes. After each, the rings have to become one and route every key "
        + "right.";

    /// <inheritdoc/>
    public int DefaultNodes => 100;

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioParameter> Parameters { get; } =
        [Rounds, FaultSeconds, CutFraction, Lookups, LimitSeconds];

    /// <inheritdoc/>
    public void Run(ScenarioRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var probe = new LookupProbe(run.Network, Service);
        Rings rings = Rings.Of(run.Network, Service);
        run.Phase($"{run.Nodes} nodes join");
        run.Network.Grow(run.Nodes, probe.Attach);
        run.Await(
            "every node runs", () => run.Network.RunningNodes.Count() == run.Nodes, TimeSpan.FromHours(1));
        rings.Await(run, "one ring", run.Seconds(LimitSeconds));

        SimRandom random = run.Network.Engine.RandomFor("faults");
        double slowest = 0;
        for (int round = 0; round < run.Count(Rounds); round++)
        {
            Disturb(run, random, round);
            run.Network.RunFor(run.Seconds(FaultSeconds));
            run.Network.Faults.HealAll();
            run.Phase("healed");
            TimeSpan took = rings.Await(
                run, $"one ring after fault {round + 1}", run.Seconds(LimitSeconds));
            slowest = Math.Max(slowest, took.TotalSeconds);
            LookupStatistics found = probe.Run(
                run.Count(Lookups), TimeSpan.FromMilliseconds(20), run.Violations);
            run.Measure($"lookupSuccessRound{round + 1}", found.Success);
        }

        run.Measure("slowestHealSeconds", slowest);
        new BoundsChecker(run.Network).CheckQuiet(run.Violations);
    }

    private static void Disturb(ScenarioRun run, SimRandom random, int round)
    {
        var nodes = run.Network.RunningNodes.ToList();
        double fraction = run.Value(CutFraction) is > 0 and var given ? given : random.Between(0.2, 0.5);
        int count = Math.Max(1, (int)(nodes.Count * fraction));
        List<SimulatedNode> some = random.Sample(nodes, count);
        var rest = nodes.Except(some).ToList();
        switch (round % 4)
        {
            case 0:
                run.Phase($"{some.Count} nodes are cut off from {rest.Count}");
                run.Network.Faults.Partition(some, rest);
                break;
            case 1:
                run.Phase($"{some.Count} nodes cannot send to {rest.Count}");
                run.Network.Faults.PartitionOneWay(some, rest);
                break;
            case 2:
                run.Phase($"paths between {some.Count} and {rest.Count} nodes are clogged");
                run.Network.Faults.Clog(some, rest, TimeSpan.FromMilliseconds(500), 0.1);
                break;
            default:
                run.Phase($"{some.Count} processes stand still");
                some.ForEach(node => node.Stall(run.Seconds(FaultSeconds) * random.NextDouble()));
                break;
        }
    }
}
