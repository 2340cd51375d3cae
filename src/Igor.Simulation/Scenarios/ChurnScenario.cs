using Igor.Simulation.Checks;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>Nodes come and go all the time, while keys are routed.</summary>
public sealed class ChurnScenario : IScenario
{
    private const string Service = "probe";

    private static readonly ScenarioParameter SessionMinutes = new(
        "session-minutes", "Median of the time that a node stays.", 60, 0.1, 100_000);

    private static readonly ScenarioParameter Distribution = new(
        "distribution", "How these times are distributed.", 0, 0, 1)
    {
        Choices = ["exponential", "weibull"],
    };

    private static readonly ScenarioParameter WeibullShape = new(
        "weibull-shape",
        "Shape of the Weibull distribution; 0.34 to 0.59 were measured (Stutzbach and Rejaie, IMC'06).",
        0.38,
        0.2,
        5);

    private static readonly ScenarioParameter Silent = new(
        "silent", "Fraction of the deaths in which the machine dies, so that no peer is told.", 0.5, 0, 1);

    private static readonly ScenarioParameter WarmUpSeconds = new(
        "warm-up-seconds", "How long nodes have come and gone when measuring begins.", 120, 0, 36_000);

    private static readonly ScenarioParameter MeasureSeconds = new(
        "measure-seconds", "How long is measured.", 600, 1, 360_000);

    private static readonly ScenarioParameter LookupsPerSecond = new(
        "lookups-per-second", "Keys routed meanwhile, in the whole network.", 20, 0.01, 10_000);

    private static readonly ScenarioParameter LimitSeconds = new(
        "limit-seconds", "The rings have to be whole this long after the last death.", 120, 1, 36_000);

    /// <inheritdoc/>
    public string Name => "churn";

    /// <inheritdoc/>
    public string Summary =>
        "Each node stays for a random time and then dies, silently or not, and a newcomer takes its place. "
        + "Upkeep and lookups are measured meanwhile. Then all stay, and have to become one ring that routes "
        + "every key right.";

    /// <inheritdoc/>
    public int DefaultNodes => 300;

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioParameter> Parameters { get; } =
    [
        SessionMinutes, Distribution, WeibullShape, Silent, WarmUpSeconds, MeasureSeconds, LookupsPerSecond,
        LimitSeconds,
    ];

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

        var joins = new JoinTimes(network);
        var sessions = new SessionTimes(
            network.Engine.RandomFor("sessions"),
            TimeSpan.FromMinutes(run.Value(SessionMinutes)),
            run.Count(Distribution) == 0 ? 1 : run.Value(WeibullShape));
        var population = new Population(network, probe, joins, sessions, run.Value(Silent));
        run.Phase("nodes come and go");
        population.Begin();
        network.RunFor(run.Seconds(WarmUpSeconds));
        run.Phase("measuring");
        var upkeep = new UpkeepMeter(run, probe);
        LookupStatistics found = probe.RunFor(
            run.Seconds(MeasureSeconds),
            TimeSpan.FromSeconds(1 / run.Value(LookupsPerSecond)),
            run.Violations);
        upkeep.Finish();
        found.Measure(run);
        joins.Report(run);
        run.Measure("deaths", population.Deaths);
        run.Measure("silentDeaths", population.SilentDeaths);
        population.End();

        run.Phase("all stay");
        TimeSpan whole = rings.Await(run, "one ring", run.Seconds(LimitSeconds));
        run.Measure("ringWholeAfterChurnSeconds", whole.TotalSeconds);
        probe.Run(run.Nodes, TimeSpan.FromMilliseconds(10), run.Violations);
    }
}
