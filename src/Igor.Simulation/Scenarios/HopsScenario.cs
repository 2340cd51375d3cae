using Igor.Simulation.Checks;

namespace Igor.Simulation.Scenarios;

/// <summary>A large network in its steady state: what it costs, and how far keys are away.</summary>
public sealed class HopsScenario : IScenario
{
    private const string Service = "probe";

    private static readonly ScenarioParameter UpkeepSeconds = new(
        "upkeep-seconds", "How long the upkeep is measured.", 60, 1, 360_000);

    private static readonly ScenarioParameter Lookups = new("lookups", "Keys routed.", 5000, 1, 1_000_000);

    private static readonly ScenarioParameter LookupsPerSecond = new(
        "lookups-per-second", "In the whole network.", 500, 0.01, 100_000);

    /// <inheritdoc/>
    public string Name => "hops";

    /// <inheritdoc/>
    public string Summary =>
        "A network is put together in its steady state, without the time that joining takes. Its rings are "
        + "judged from outside, its upkeep is measured, and keys are routed.";

    /// <inheritdoc/>
    public int DefaultNodes => 4096;

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioParameter> Parameters { get; } = [UpkeepSeconds, Lookups, LookupsPerSecond];

    /// <inheritdoc/>
    public void Run(ScenarioRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var probe = new LookupProbe(run.Network, Service);
        Rings rings = Rings.Of(run.Network, Service);
        run.Phase($"putting {run.Nodes} nodes together");
        run.Network.Assemble(run.Nodes, probe.Attach);
        rings.Check(run.Violations);
        run.Phase("measuring upkeep");
        UpkeepMeter.Measure(run, probe, run.Seconds(UpkeepSeconds));
        run.Phase($"routing {run.Count(Lookups)} keys");
        probe.Run(
            run.Count(Lookups), TimeSpan.FromSeconds(1 / run.Value(LookupsPerSecond)), run.Violations)
            .Measure(run);
        rings.Check(run.Violations);
    }
}
