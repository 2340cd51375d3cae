using Igor.Simulation.Checks;
using Igor.Simulation.Dht;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// Records are put while all is well; a quarter of the nodes dies at once; after the healing another quarter
/// dies one by one, a few seconds apart. No record that had a copy may be lost, unless a majority of its
/// copies died before the first death could be noticed; and at the end every one is readable.
/// </summary>
public sealed class DhtScenario : IScenario
{
    /// <summary>
    /// Synchronisations and what they fetch and push go on in the background, a few at a time.
    /// </summary>
    private const int UpkeepRequestsMax = 64;

    private static readonly ScenarioParameter Records = new(
        "records", "Number of records put.", 2000, 1, 1_000_000);

    private static readonly ScenarioParameter ValueBytes = new(
        "value-bytes", "Size of a value.", 200, 0, 1_048_576);

    private static readonly ScenarioParameter Replicas = new(
        "replicas", "Nodes that are to hold each record.", 5, 1, 8);

    private static readonly ScenarioParameter CrashFraction = new(
        "crash-fraction", "Fraction of the nodes that dies at once, and again one by one.", 0.25, 0, 0.45);

    private static readonly ScenarioParameter SilentFraction = new(
        "silent-fraction", "Fraction of these whose machine dies, so that no peer is told.", 0.5, 0, 1);

    private static readonly ScenarioParameter CrashIntervalSeconds = new(
        "crash-interval-seconds", "Time between two deaths, one by one.", 2, 0.1, 600);

    private static readonly ScenarioParameter WritesPerSecond = new(
        "writes-per-second",
        "Puts that go on while nodes die, half of them to keys that have a record.",
        2,
        0,
        1000);

    private static readonly ScenarioParameter RepairLimitSeconds = new(
        "repair-limit-seconds", "All copies have to be in place this long after the deaths.", 300, 1, 7200);

    private static readonly ScenarioParameter DiskFaults = new(
        "disk-fault-fraction", "Fraction of commits that fail, and of those that stall.", 0, 0, 0.2);

    private static readonly ScenarioParameter ClockSkewMs = new(
        "clock-skew-ms", "All wall clocks are off by up to this much.", 100, 0, 30_000);

    private static readonly ScenarioParameter WrongClocks = new(
        "wrong-clock-fraction",
        "Fraction of the hosts whose wall clocks are off by any amount, and jump.",
        0,
        0,
        0.4);

    private static readonly ScenarioParameter WrongClockHours = new(
        "wrong-clock-hours", "How far these clocks are off at most, either way.", 90_000, 0, 490_000);

    /// <inheritdoc/>
    public string Name => "dht";

    /// <inheritdoc/>
    public string Summary =>
        "Nodes join and records are put, each acknowledged by a majority of its replicas. A quarter of the "
        + "nodes crashes at once; when all copies are in place again, another quarter crashes one by one. No "
        + "acknowledged record may be lost, unless a majority of its copies died before a silent death could "
        + "be noticed. At the end the dead return with their disks and every record has "
        + "to be readable.";

    /// <inheritdoc/>
    public int DefaultNodes => 1000;

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioParameter> Parameters { get; } =
    [
        Records, ValueBytes, Replicas, CrashFraction, SilentFraction, CrashIntervalSeconds, WritesPerSecond,
        RepairLimitSeconds, DiskFaults, ClockSkewMs, WrongClocks, WrongClockHours,
    ];

    /// <inheritdoc/>
    public SimulationOptions Configure(ScenarioSettings settings, SimulationOptions options)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(options);
        return options with { ClockSkewMax = TimeSpan.FromMilliseconds(settings.Value(ClockSkewMs)) };
    }

    /// <inheritdoc/>
    public void Run(ScenarioRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var disk = new SimulatedStoreOptions
        {
            FailureFraction = run.Value(DiskFaults),
            StallFraction = run.Value(DiskFaults),
        };
        TimeSpan repairLimit = run.Seconds(RepairLimitSeconds);
        var world = new DhtWorld(run, disk, run.Count(Replicas), run.Count(ValueBytes));
        world.BeginClockJumps(run.Value(WrongClocks), TimeSpan.FromHours(run.Value(WrongClockHours)));
        world.Grow();
        world.Put(run.Count(Records));
        world.AwaitPlaces("all copies are in place", repairLimit, "replicasInPlaceSeconds");
        world.ReadAll("lookupSuccess", "get");

        world.BeginWrites(run.Value(WritesPerSecond));
        world.CrashAtOnce(run.Value(CrashFraction), run.Value(SilentFraction));
        world.ReadAll("readSuccessRightAfterCrash", "getRightAfterCrash", isTolerant: true);
        world.AwaitPlaces("all copies are in place again", repairLimit, "repairSeconds");
        world.ReadAll("readSuccessAfterCrash", "getAfterCrash");

        world.CrashOneByOne(
            run.Value(CrashFraction), run.Value(SilentFraction), run.Seconds(CrashIntervalSeconds));
        world.EndWrites("writesFailedWhileNodesDied");
        world.EndClockJumps();
        world.AwaitPlaces("all copies are in place at last", repairLimit, "lastRepairSeconds");
        world.ReadAll("readSuccessAfterAllCrashes", "getAfterAllCrashes");

        world.ReviveAll(TimeSpan.FromMilliseconds(50));
        world.AwaitPlaces("all copies are in place after the return", repairLimit, "returnSeconds");
        world.ReadAll("readSuccessAtTheEnd", "getAtTheEnd");
        new BoundsChecker(run.Network).CheckQuiet(run.Violations, UpkeepRequestsMax);
    }
}
