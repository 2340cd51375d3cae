using Igor.Simulation.Checks;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// Which hosts died when. Deaths that follow one another faster than they can be noticed are to a record what
/// deaths at the same instant are: only the root of a key repairs, and while nobody knows that it is dead
/// there is none.
/// </summary>
internal sealed class DeathLog(SimulatedNetwork network)
{
    /// <summary>
    /// A link over which nothing comes is probed after 5 s and given up 5 s later; the rest is for the new
    /// root, which compares what it holds and copies what is missing.
    /// </summary>
    public static readonly TimeSpan NoticeMax = TimeSpan.FromSeconds(15);

    private readonly List<(SimulatedNode Node, TimeSpan At)> _deaths = [];

    /// <summary>A host dies now.</summary>
    public void Note(SimulatedNode node) => _deaths.Add((node, network.Now));

    /// <summary>
    /// Whether so many copies of a record died in the time in which one silent death goes unnoticed that its
    /// majority is gone, and one of these deaths was silent.
    /// </summary>
    public bool CameTooFastFor(RecordLedger.Promise promise)
    {
        var holders = _deaths.Where(death => network.Now - death.At <= NoticeMax)
            .Select(death => death.Node)
            .Where(node => !node.IsRunning && RecordLedger.Holds(node, promise))
            .ToList();
        return holders.Count > promise.Replicas / 2
            && holders.Exists(node => node.State == NodeState.PoweredOff);
    }
}
