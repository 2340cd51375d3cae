using Igor.Simulation.Engine;

namespace Igor.Dht.Protocol.Tests.Views.Exploring;

/// <summary>
/// Carries messages between nodes: late, in another order, twice, or not at all, and in one direction only
/// where a way is cut.
/// </summary>
internal sealed class ExplorerNetwork(SimulationEngine engine)
{
    private readonly SimRandom _random = engine.RandomFor("network");
    private readonly HashSet<(int From, int To)> _cut = [];

    /// <summary>Whether messages are lost and come twice.</summary>
    public bool IsFaulty { get; set; } = true;

    /// <summary>Cuts, or mends, the way from one node to another.</summary>
    public void SetCut(int from, int to, bool isCut)
    {
        if (isCut && from != to)
        {
            _cut.Add((from, to));
        }
        else
        {
            _cut.Remove((from, to));
        }
    }

    /// <summary>All ways between a node and so many others.</summary>
    public static (int From, int To)[] Ways(int node, int nodes) =>
        [.. Enumerable.Range(0, nodes).SelectMany(at => new[] { (node, at), (at, node) })];

    /// <summary>Mends all ways.</summary>
    public void Heal() => _cut.Clear();

    /// <summary>
    /// Carries a message, which is handed over when and if it arrives. A node's own always do.
    /// </summary>
    public void Carry(int from, int to, Action handOver)
    {
        if (from == to)
        {
            engine.After(_random.Between(TimeSpan.Zero, TimeSpan.FromMilliseconds(0.3)), handOver);
            return;
        }

        int copies = IsFaulty && _random.NextDouble() < 0.08 ? 2 : 1;
        for (int copy = 0; copy < copies; copy++)
        {
            if (!_cut.Contains((from, to)) && !(IsFaulty && _random.NextDouble() < 0.06))
            {
                engine.After(Delay(), handOver);
            }
        }
    }

    private TimeSpan Delay()
    {
        double kind = _random.NextDouble();
        return TimeSpan.FromMilliseconds(
            !IsFaulty || kind < 0.85 ? _random.Between(0.5, 4)
            : kind < 0.97 ? _random.Between(4, 60)
            : _random.Between(60, 1500));
    }
}
