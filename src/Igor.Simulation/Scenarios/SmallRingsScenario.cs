using Igor.Simulation.Checks;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// Rings of 1, 2, 3 … nodes, founders that start at once, and two halves that were apart and merge.
/// </summary>
public sealed class SmallRingsScenario : IScenario
{
    private const string Service = "probe";
    private static readonly ScenarioParameter Lookups = new(
        "lookups", "Keys routed at each size.", 50, 1, 10_000);

    private static readonly ScenarioParameter PartitionSeconds = new(
        "partition-seconds", "How long the two halves cannot reach one another.", 60, 1, 3600);

    private static readonly ScenarioParameter LimitSeconds = new(
        "limit-seconds", "Each step has to be through after this long.", 120, 1, 3600);

    /// <inheritdoc/>
    public string Name => "small-rings";

    /// <inheritdoc/>
    public string Summary =>
        "One node alone, then two, three and so on, each size routing keys; then the nodes leave down to "
        + "one; then all start at once, each with the others as bootstrap; then a partition into halves "
        + "heals and they merge.";

    /// <inheritdoc/>
    public int DefaultNodes => 6;

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioParameter> Parameters { get; } = [Lookups, PartitionSeconds, LimitSeconds];

    /// <inheritdoc/>
    public void Run(ScenarioRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var probe = new LookupProbe(run.Network, Service);
        Rings rings = Rings.Of(run.Network, Service);
        GrowOneByOne(run, probe, rings);
        ShrinkToOne(run, probe, rings);
        StartAtOnce(run, probe, rings);
        if (run.Nodes > 1)
        {
            SplitAndMerge(run, probe, rings);
        }

        new BoundsChecker(run.Network).CheckQuiet(run.Violations);
    }

    private static void GrowOneByOne(ScenarioRun run, LookupProbe probe, Rings rings)
    {
        for (int size = 1; size <= run.Nodes; size++)
        {
            run.Phase($"ring of {size}");
            SimulatedNode node = run.Network.AddNode(
                probe.Attach, [.. run.Network.RunningNodes.Take(2)]);
            node.Start();
            Judge(run, probe, rings, $"one ring of {size}");
        }
    }

    private static void ShrinkToOne(ScenarioRun run, LookupProbe probe, Rings rings)
    {
        SimRandom random = run.Network.Engine.RandomFor("departures");
        var leaving = random.Sample(run.Network.RunningNodes, run.Nodes - 1);
        foreach (SimulatedNode node in leaving)
        {
            bool isGraceful = random.NextInt(2) == 0;
            run.Phase($"{node} {(isGraceful ? "leaves" : "crashes")}");
            if (isGraceful)
            {
                node.Leave();
            }
            else
            {
                node.Crash();
            }

            Judge(run, probe, rings, $"one ring without {node}");
        }

        foreach (SimulatedNode node in run.Network.RunningNodes.ToList())
        {
            node.Crash();
        }
    }

    private static void StartAtOnce(ScenarioRun run, LookupProbe probe, Rings rings)
    {
        run.Phase("all start at once");
        foreach (SimulatedNode node in run.Network.Nodes)
        {
            node.LoseDisk();
            node.Bootstrap = [.. run.Network.Nodes];
            node.Start();
        }

        Judge(run, probe, rings, "founders at once become one ring");
    }

    private static void SplitAndMerge(ScenarioRun run, LookupProbe probe, Rings rings)
    {
        run.Phase("a partition into halves");
        var left = run.Network.Nodes.Where(node => node.Index % 2 == 0).ToList();
        var right = run.Network.Nodes.Where(node => node.Index % 2 == 1).ToList();
        PathFault partition = run.Network.Faults.Partition(left, right);
        run.Network.RunFor(run.Seconds(PartitionSeconds));
        partition.Heal();
        TimeSpan start = run.Network.Now;
        Judge(run, probe, rings, "the halves merge");
        run.Measure("mergeSeconds", (run.Network.Now - start).TotalSeconds);
    }

    private static void Judge(ScenarioRun run, LookupProbe probe, Rings rings, string what)
    {
        rings.Await(run, what, run.Seconds(LimitSeconds));
        probe.Run(run.Count(Lookups), TimeSpan.FromMilliseconds(20), run.Violations);
    }
}
