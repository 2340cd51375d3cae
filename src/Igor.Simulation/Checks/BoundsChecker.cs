using Igor.Simulation.Network;

namespace Igor.Simulation.Checks;

/// <summary>
/// State is bounded: links, requests that wait, and events that a quiet network has in flight.
/// </summary>
public sealed class BoundsChecker
{
    private const string Name = "bounds";
    private const int EventsPerNodeMax = 200;
    private readonly SimulatedNetwork _network;

    /// <summary>Makes a checker.</summary>
    public BoundsChecker(SimulatedNetwork network) => _network = network;

    /// <summary>Checks a network in which nobody asks applications for anything.</summary>
    /// <param name="log">Where violations go.</param>
    /// <param name="requestsMax">
    /// Requests that the applications of a node may have open for their own upkeep.
    /// </param>
    public void CheckQuiet(ViolationLog log, int requestsMax = 0)
    {
        ArgumentNullException.ThrowIfNull(log);
        int linksMax = _network.Options.Overlay.LinksMax + 16;
        int running = 0;
        foreach (SimulatedNode node in _network.RunningNodes)
        {
            running++;
            if (node.LinkCount > linksMax)
            {
                log.Add(Name, $"{node} has {node.LinkCount} links, more than {linksMax}");
            }

            if (node.PendingRequests > requestsMax)
            {
                log.Add(Name, $"{node} has {node.PendingRequests} open requests, more than {requestsMax}");
            }
        }

        if (_network.Engine.EventsWaiting > (running + 1) * EventsPerNodeMax)
        {
            log.Add(Name, $"{_network.Engine.EventsWaiting} events wait for {running} nodes");
        }
    }
}
