using Igor.Simulation.Histories;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// One generated history: a seed draws nodes, clients, calls and faults of all kinds, and what clients saw is
/// judged. `igor-sim seeds` runs many.
/// </summary>
public sealed class HistoriesScenario : IScenario
{
    /// <inheritdoc/>
    public string Name => "histories";

    /// <inheritdoc/>
    public string Summary =>
        "A seed draws 5 to 12 nodes of the DHT, clients that read, write and delete a few hot keys of type "
        + "value and register, and faults of ways, processes, disks and clocks that overlap. When all faults "
        + "have ended everything has to be served again within a minute, and what clients saw is held "
        + "against docs/guarantees.md. For many seeds, and a short transcript of one that fails: "
        + "igor-sim seeds N.";

    /// <inheritdoc/>
    public int DefaultNodes => PlanDraw.NodesMax;

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioParameter> Parameters { get; } = [];

    /// <inheritdoc/>
    public SimulationOptions Configure(ScenarioSettings settings, SimulationOptions options)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(options);
        return HistoryWorld.Configure(PlanOf(settings.Seed, settings.Nodes ?? DefaultNodes), options);
    }

    /// <inheritdoc/>
    public void Run(ScenarioRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        HistoryPlan plan = PlanOf(run.Network.Options.Seed, run.Nodes);
        run.Phase(plan.ToString());
        var transcript = new Transcript(run.Network.Engine, isKept: false);
        var history = new HistoryRun(plan, run.Network, run.Violations, transcript);
        history.Execute();
        run.Measure("nodesDrawn", plan.Nodes);
        run.Measure("faults", plan.Faults.Length);
        run.Measure("callsEnded", history.Registers.Ended + history.Values.Ended);
        run.Measure("callsUnsure", history.Registers.Unknown + history.Values.Marked);
        run.Measure("recoverySeconds", history.RecoveredAfter.TotalSeconds);
    }

    private static HistoryPlan PlanOf(ulong seed, int nodes) =>
        PlanDraw.Draw(seed, Math.Clamp(nodes, PlanDraw.NodesMin, PlanDraw.NodesMax));
}
