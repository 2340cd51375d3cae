using Igor.Simulation.Checks;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// Nodes that come and go: whenever one's session ends it dies for good, and a newcomer starts on another
/// host at that moment, so that their number stays.
/// </summary>
internal sealed class Population(
    SimulatedNetwork network,
    LookupProbe probe,
    JoinTimes joins,
    SessionTimes sessions,
    double silentFraction)
{
    private readonly SimRandom _random = network.Engine.RandomFor("deaths");
    private bool _isOver;

    public int Deaths { get; private set; }

    public int SilentDeaths { get; private set; }

    /// <summary>From now on the nodes that run die one by one.</summary>
    public void Begin()
    {
        foreach ((SimulatedNode node, TimeSpan rest) in
            network.RunningNodes.ToList().Zip(sessions.Residuals()))
        {
            network.Engine.After(rest, () => Die(node));
        }
    }

    /// <summary>From now on all stay.</summary>
    public void End() => _isOver = true;

    private void Die(SimulatedNode node)
    {
        if (_isOver)
        {
            return;
        }

        Deaths++;
        probe.Detach(node);
        if (_random.NextDouble() < silentFraction)
        {
            SilentDeaths++;
            node.PowerOff();
        }
        else
        {
            node.Crash();
        }

        SimulatedNode newcomer = network.AddNewcomer(probe.Attach);
        joins.Add(newcomer);
        network.Engine.After(sessions.Next(), () => Die(newcomer));
    }
}
