using Igor.Simulation.Engine;

namespace Igor.Simulation.Network;

/// <summary>
/// The hosts whose process runs, so that a newcomer finds some members without a look at all hosts.
/// </summary>
internal sealed class RunningHosts
{
    private const int TriesMax = 64;

    private readonly List<SimulatedNode> _hosts = [];
    private readonly Dictionary<SimulatedNode, int> _places = [];

    /// <summary>A host's process starts or ends.</summary>
    public void Set(SimulatedNode node, bool isRunning)
    {
        if (isRunning)
        {
            _places[node] = _hosts.Count;
            _hosts.Add(node);
        }
        else if (_places.Remove(node, out int place))
        {
            SimulatedNode last = _hosts[^1];
            _hosts.RemoveAt(_hosts.Count - 1);
            if (last != node)
            {
                _hosts[place] = last;
                _places[last] = place;
            }
        }
    }

    /// <summary>
    /// Some members of the ring, drawn at random; fewer where most hosts are none, and then one that is not.
    /// </summary>
    public List<SimulatedNode> SampleMembers(SimRandom random, int count)
    {
        var members = new List<SimulatedNode>(count);
        for (int tries = 0; tries < TriesMax && members.Count < count && _hosts.Count > 0; tries++)
        {
            SimulatedNode node = _hosts[random.NextInt(_hosts.Count)];
            if (node.IsJoined && !members.Contains(node))
            {
                members.Add(node);
            }
        }

        return members.Count > 0 || _hosts.Count == 0 ? members : [_hosts[0]];
    }
}
