using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Dht;
using Igor.Simulation.Faults;
using Igor.Simulation.Network;

namespace Igor.Simulation.Histories;

/// <summary>
/// One run of a plan: the network grows, faults come while clients call, all faults end, everything has to be
/// served again, and what clients saw is judged.
/// </summary>
internal sealed class HistoryRun
{
    private static readonly TimeSpan s_convergedWithin = TimeSpan.FromSeconds(90);
    private readonly HistoryWorld _world;
    private readonly ViolationLog _log;
    private readonly CallDriver _calls;
    private readonly FaultDriver _faults;

    public HistoryRun(
        HistoryPlan plan,
        SimulatedNetwork network,
        ViolationLog log,
        Transcript transcript,
        PlantedFault planted = PlantedFault.None)
    {
        _world = new HistoryWorld(plan, network, planted);
        _log = log;
        _calls = new CallDriver(_world, transcript);
        _faults = new FaultDriver(_world, transcript);
    }

    public RegisterHistory Registers => _calls.Registers;

    public ValueHistory Values => _calls.Values;

    /// <summary>How long it took until all was served again, once faults had ended.</summary>
    public TimeSpan RecoveredAfter { get; private set; }

    /// <summary>Runs it to its end.</summary>
    public void Execute()
    {
        if (_world.Grow() is { } trouble)
        {
            _log.Add("start", trouble);
            return;
        }

        var recovery = new Recovery(_world, _calls);
        recovery.Await("before any fault", _log); // which also founds the registers
        _world.SetStart();
        _faults.Begin();
        _calls.Begin();
        _world.Network.RunFor(_world.Plan.Length);
        _calls.End();
        _faults.EndAll();
        RecoveredAfter = recovery.Await("once faults had ended", _log);
        AwaitConvergence();
        recovery.Await("in the end", _log);
        _calls.Registers.Check(_log);
        _calls.Values.Check(_log);
    }

    // All who are to hold a record have the same of it.
    private void AwaitConvergence()
    {
        PlannedKey[] values = [.. _world.Plan.Keys.Where(key => !key.IsRegister)];
        if (!_world.Network.RunUntil(
            () => _calls.Open == 0 && values.All(key => Copies(key).Count() == 1),
            s_convergedWithin,
            TimeSpan.FromSeconds(1)))
        {
            foreach (PlannedKey key in values.Where(key => Copies(key).Count() > 1))
            {
                _log.Add(
                    "convergence",
                    $"{s_convergedWithin.TotalSeconds} s after it was served again, {key} is "
                    + string.Join(", ", Copies(key)));
            }
        }
    }

    private IEnumerable<string> Copies(PlannedKey key) => TrueRing
        .Of(_world.Network, ServiceId.FromName(SimulatedDht.Service))
        .NearestTo(key.Key, key.Replicas)
        .Select(node => Describe(SimulatedRecordStore.Find(node, key.Key)))
        .Distinct();

    private static string Describe(Record? record) => record is null ? "nothing"
        : record.Header.IsTombstone ? $"deleted by {record.Header.Version}"
        : $"{CallValue.Read(RecordCodec.ValueOf(record))} as {record.Header.Version}";
}
