using Igor.Simulation.Checks;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>All nodes restart within a few seconds.</summary>
public sealed class StormScenario : IScenario
{
    private const string Service = "probe";

    private static readonly ScenarioParameter WindowSeconds = new(
        "window-seconds", "All processes end, at random times, within this time.", 10, 0, 3600);

    private static readonly ScenarioParameter DownSeconds = new(
        "down-seconds",
        "Time until a process starts again; no less than the window: all are down at once.",
        2,
        0,
        36_000);

    private static readonly ScenarioParameter LimitSeconds = new(
        "limit-seconds", "The rings have to be whole this long after the last start.", 120, 1, 36_000);

    private static readonly ScenarioParameter Lookups = new(
        "lookups", "Keys routed at the end.", 1000, 1, 1_000_000);

    /// <inheritdoc/>
    public string Name => "storm";

    /// <inheritdoc/>
    public string Summary =>
        "All processes of a whole network end and start again within a few seconds, with the peers that they "
        + "knew. They have to become one ring again, which routes every key right.";

    /// <inheritdoc/>
    public int DefaultNodes => 500;

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioParameter> Parameters { get; } =
        [WindowSeconds, DownSeconds, LimitSeconds, Lookups];

    /// <inheritdoc/>
    public void Run(ScenarioRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        SimulatedNetwork network = run.Network;
        var probe = new LookupProbe(network, Service);
        Rings rings = Rings.Of(network, Service);
        run.Phase($"{run.Nodes} nodes join");
        network.Grow(run.Nodes, probe.Attach);
        run.Await("every node runs", () => network.RunningNodes.Count() == run.Nodes, TimeSpan.FromHours(2));
        rings.Await(run, "one ring", run.Seconds(LimitSeconds));

        run.Phase("all restart");
        var joins = new JoinTimes(network);
        long handshakes = network.HandshakesMade;
        long bytes = network.BytesSent;
        int left = Restart(run, joins);
        network.RunFor(run.Seconds(WindowSeconds) + run.Seconds(DownSeconds));
        TimeSpan whole = rings.Await(run, "one ring", run.Seconds(LimitSeconds));
        run.Measure("ringWholeAfterLastStartSeconds", whole.TotalSeconds);
        run.Measure("handshakesPerNode", (double)(network.HandshakesMade - handshakes) / left);
        run.Measure("bytesPerNode", (double)(network.BytesSent - bytes) / left);
        joins.Report(run);

        run.Phase($"routing {run.Count(Lookups)} keys");
        probe.Run(run.Count(Lookups), TimeSpan.FromMilliseconds(10), run.Violations).Measure(run);
        network.RunFor(TimeSpan.FromSeconds(30));
        UpkeepMeter.Measure(run, probe, TimeSpan.FromSeconds(60));
        rings.Check(run.Violations);
    }

    private static int Restart(ScenarioRun run, JoinTimes joins)
    {
        SimRandom random = run.Network.Engine.RandomFor("restarts");
        var nodes = run.Network.RunningNodes.ToList();
        foreach (SimulatedNode node in nodes)
        {
            TimeSpan at = random.Between(TimeSpan.Zero, run.Seconds(WindowSeconds));
            run.Network.Engine.After(at, node.Crash);
            run.Network.Engine.After(at + run.Seconds(DownSeconds), () =>
            {
                node.Start();
                joins.Add(node);
            });
        }

        return nodes.Count;
    }
}
