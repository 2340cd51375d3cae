using Igor.Simulation.Checks;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>A network grows through one address.</summary>
public sealed class JoinScenario : IScenario
{
    private const string Service = "probe";

    private static readonly ScenarioParameter Rate = new(
        "rate", "Nodes that start per second, at random times.", 20, 0.01, 10_000);

    private static readonly ScenarioParameter LimitSeconds = new(
        "limit-seconds", "All have to be in one ring this long after the last one's start.", 300, 1, 36_000);

    private static readonly ScenarioParameter UpkeepSeconds = new(
        "upkeep-seconds", "How long the upkeep of the whole ring is measured.", 60, 1, 36_000);

    private static readonly ScenarioParameter Lookups = new(
        "lookups", "Keys routed at the end.", 1000, 1, 1_000_000);

    /// <inheritdoc/>
    public string Name => "join";

    /// <inheritdoc/>
    public string Summary =>
        "Nodes start at a steady rate, and all of them know one address only, that of the first. All have to "
        + "become one ring, and every neighbour set and root is judged from outside.";

    /// <inheritdoc/>
    public int DefaultNodes => 1000;

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioParameter> Parameters { get; } =
        [Rate, LimitSeconds, UpkeepSeconds, Lookups];

    /// <inheritdoc/>
    public void Run(ScenarioRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        SimulatedNetwork network = run.Network;
        var probe = new LookupProbe(network, Service);
        Rings rings = Rings.Of(network, Service);
        var joins = new JoinTimes(network);

        run.Phase($"{run.Nodes} nodes start through one address");
        SimulatedNode first = network.AddNode(probe.Attach);
        first.Start();
        Schedule(run, first, probe, joins);
        run.Await(
            "every node runs", () => network.RunningNodes.Count() == run.Nodes, TimeSpan.FromDays(100));
        run.Measure("joinedFractionAtLastStart", JoinedFraction(network));
        run.Phase("the last one has started");
        TimeSpan whole = rings.Await(run, "one ring", run.Seconds(LimitSeconds));
        run.Measure("ringWholeAfterLastStartSeconds", whole.TotalSeconds);
        run.Measure("joinedFraction", JoinedFraction(network));
        run.Measure("ringFaults", rings.CountFaults());
        joins.Report(run);

        run.Phase("measuring upkeep");
        long accepted = first.LinksAccepted;
        UpkeepMeter.Measure(run, probe, run.Seconds(UpkeepSeconds));
        run.Measure("bootstrapLinksMax", first.LinksMax);
        run.Measure(
            "bootstrapDialsPerSecond", (first.LinksAccepted - accepted) / run.Value(UpkeepSeconds));

        run.Phase($"routing {run.Count(Lookups)} keys");
        LookupStatistics found = probe.Run(
            run.Count(Lookups), TimeSpan.FromMilliseconds(10), run.Violations);
        found.Measure(run);
        rings.Check(run.Violations);
    }

    private static void Schedule(
        ScenarioRun run, SimulatedNode first, LookupProbe probe, JoinTimes joins)
    {
        SimRandom random = run.Network.Engine.RandomFor("starts");
        TimeSpan at = TimeSpan.Zero;
        for (int i = 1; i < run.Nodes; i++)
        {
            SimulatedNode node = run.Network.AddNode(probe.Attach, [first]);
            at += TimeSpan.FromSeconds(random.Exponential(1 / run.Value(Rate)));
            run.Network.Engine.After(at, () =>
            {
                node.Start();
                joins.Add(node);
            });
        }
    }

    private static double JoinedFraction(SimulatedNetwork network) =>
        network.RunningNodes.Average(node => node.IsJoined ? 1.0 : 0);
}
