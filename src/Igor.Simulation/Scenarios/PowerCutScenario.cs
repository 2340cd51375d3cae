using Igor.Simulation.Checks;
using Igor.Simulation.Dht;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// Every node of a DHT dies at the same instant, with puts under way, and returns with its disk.
/// </summary>
public sealed class PowerCutScenario : IScenario
{
    private const int UpkeepRequestsMax = 64;
    private const int Replicas = 5;
    private const int ValueBytes = 200;

    private static readonly ScenarioParameter Records = new(
        "records", "Number of records put.", 500, 1, 1_000_000);

    private static readonly ScenarioParameter Cuts = new("cuts", "How often the power fails.", 2, 1, 100);

    private static readonly ScenarioParameter WritesPerSecond = new(
        "writes-per-second", "Puts that go on until the power fails.", 50, 0, 1000);

    private static readonly ScenarioParameter ReturnIntervalMs = new(
        "return-interval-ms", "Mean time between two nodes that return.", 100, 0, 60_000);

    private static readonly ScenarioParameter RepairLimitSeconds = new(
        "repair-limit-seconds", "All copies have to be in place this long after the return.", 300, 1, 7200);

    /// <inheritdoc/>
    public string Name => "power-cut";

    /// <inheritdoc/>
    public string Summary =>
        "Records are put; then all nodes lose power at the same instant, with puts under way, and return one "
        + "after another with their disks and the peers they knew. Every record that was acknowledged has to "
        + "be readable.";

    /// <inheritdoc/>
    public int DefaultNodes => 50;

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioParameter> Parameters { get; } =
        [Records, Cuts, WritesPerSecond, ReturnIntervalMs, RepairLimitSeconds];

    /// <inheritdoc/>
    public void Run(ScenarioRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var world = new DhtWorld(run, new SimulatedStoreOptions(), Replicas, ValueBytes);
        world.Grow();
        world.Put(run.Count(Records));
        for (int cut = 1; cut <= run.Count(Cuts); cut++)
        {
            world.BeginWrites(run.Value(WritesPerSecond));
            run.Network.RunFor(TimeSpan.FromSeconds(5));
            world.CutPower();
            run.Network.RunFor(TimeSpan.FromSeconds(5));
            world.ReviveAll(TimeSpan.FromMilliseconds(run.Value(ReturnIntervalMs)));
            world.EndWrites($"writesCutOff{cut}");
            world.AwaitPlaces(
                "all copies are in place", run.Seconds(RepairLimitSeconds), $"repairSeconds{cut}");
            world.ReadAll($"readSuccess{cut}", $"get{cut}");
        }

        new BoundsChecker(run.Network).CheckQuiet(run.Violations, UpkeepRequestsMax);
    }
}
