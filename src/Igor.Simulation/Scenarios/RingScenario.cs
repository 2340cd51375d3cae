using Igor.Simulation.Checks;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// Many nodes join; a quarter of them dies at once; the ring heals; keys go to their true roots throughout.
/// </summary>
public sealed class RingScenario : IScenario
{
    private const string Service = "probe";
    private static readonly ScenarioParameter JoinIntervalMs = new(
        "join-interval-ms", "Mean time between two joins.", 50, 1, 60_000);

    private static readonly ScenarioParameter Lookups = new(
        "lookups", "Keys routed before and after the crash.", 2000, 1, 1_000_000);

    private static readonly ScenarioParameter CrashFraction = new(
        "crash-fraction", "Fraction of the nodes that dies at once.", 0.25, 0, 0.9);

    private static readonly ScenarioParameter SilentFraction = new(
        "silent-fraction", "Fraction of these whose machine dies, so that no peer is told.", 0.5, 0, 1);

    private static readonly ScenarioParameter Loss = new("loss", "Fraction of packets lost.", 0, 0, 0.3);

    private static readonly ScenarioParameter HealLimitSeconds = new(
        "heal-limit-seconds", "The ring has to be whole again after this long.", 180, 1, 3600);

    /// <inheritdoc/>
    public string Name => "ring";

    /// <inheritdoc/>
    public string Summary =>
        "Nodes join one after another and route keys; then a quarter crashes at once, the ring heals, and "
        + "keys are routed again. Every neighbour set and every root is judged from outside.";

    /// <inheritdoc/>
    public int DefaultNodes => 1000;

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioParameter> Parameters { get; } =
        [JoinIntervalMs, Lookups, CrashFraction, SilentFraction, Loss, HealLimitSeconds];

    /// <inheritdoc/>
    public SimulationOptions Configure(ScenarioSettings settings, SimulationOptions options)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(options);
        return options with { Loss = settings.Value(Loss) };
    }

    /// <inheritdoc/>
    public void Run(ScenarioRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var probe = new LookupProbe(run.Network, Service);
        Rings rings = Rings.Of(run.Network, Service);

        run.Phase($"{run.Nodes} nodes join");
        run.Network.Grow(run.Nodes, probe.Attach, TimeSpan.FromMilliseconds(run.Value(JoinIntervalMs)));
        run.Await(
            "every node runs", () => run.Network.RunningNodes.Count() == run.Nodes, TimeSpan.FromHours(2));
        TimeSpan whole = rings.Await(run, "one ring", run.Seconds(HealLimitSeconds));
        run.Measure("ringWholeAfterLastJoinSeconds", whole.TotalSeconds);

        Upkeep(run, probe);
        Route(run, probe, string.Empty);

        int crashed = Crash(run);
        run.Phase($"{crashed} nodes crashed at once; lookups go on");
        LookupStatistics during = probe.Run(
            Math.Max(1, run.Count(Lookups) / 4), TimeSpan.FromMilliseconds(10), log: null);
        run.Measure("lookupSuccessDuringRepair", during.Success);
        TimeSpan start = run.Network.Now;
        rings.Await(run, "the ring is whole again", run.Seconds(HealLimitSeconds));
        run.Measure("ringHealedAfterLookupsSeconds", (run.Network.Now - start).TotalSeconds);

        Route(run, probe, "AfterCrash");
        rings.Check(run.Violations);
        new BoundsChecker(run.Network).CheckQuiet(run.Violations);
    }

    private static void Upkeep(ScenarioRun run, LookupProbe probe)
    {
        run.Phase("the ring is whole; measuring its upkeep");
        run.Network.RunFor(TimeSpan.FromSeconds(20));
        UpkeepMeter.Measure(run, probe, TimeSpan.FromSeconds(60));
    }

    private static void Route(ScenarioRun run, LookupProbe probe, string suffix)
    {
        run.Phase($"routing {run.Count(Lookups)} keys");
        LookupStatistics found = probe.Run(run.Count(Lookups), TimeSpan.FromMilliseconds(10), run.Violations);
        found.Measure(run, suffix);
    }

    private static int Crash(ScenarioRun run)
    {
        SimRandom random = run.Network.Engine.RandomFor("crashes");
        int count = (int)(run.Nodes * run.Value(CrashFraction));
        foreach (SimulatedNode node in random.Sample(run.Network.RunningNodes, count))
        {
            if (random.NextDouble() < run.Value(SilentFraction))
            {
                node.PowerOff();
            }
            else
            {
                node.Crash();
            }
        }

        return count;
    }
}
