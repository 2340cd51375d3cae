using Igor.Kbr;

namespace Igor.Simulation.Network;

/// <summary>
/// The ring as it ought to be: all live members of a service in clockwise order, seen from above.
/// </summary>
public sealed class TrueRing
{
    private const int JoiningAtOnceMax = 16; // beside one key
    private readonly List<SimulatedNode> _members;

    private TrueRing(IEnumerable<SimulatedNode> members) =>
        _members = [.. members.OrderBy(node => node.NodeId)];

    /// <summary>The members in clockwise order.</summary>
    public IReadOnlyList<SimulatedNode> Members => _members;

    /// <summary>The ring that every running node belongs to.</summary>
    public static TrueRing OfAll(SimulatedNetwork network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return new TrueRing(network.RunningNodes);
    }

    /// <summary>
    /// The ring of the running members of a service; the base overlay's is that of all nodes.
    /// </summary>
    public static TrueRing Of(SimulatedNetwork network, ServiceId service)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (network.KnownRings.TryGetValue(service, out var known)
            && known.Version == network.MembershipVersion)
        {
            return known.Ring;
        }

        TrueRing ring = service == ServiceId.Base
            ? OfAll(network)
            : new TrueRing(network.RunningNodes.Where(node => node.Runs(service, ServiceRole.Member)));
        network.KnownRings[service] = (network.MembershipVersion, ring);
        return ring;
    }

    /// <summary>The member nearest to a key.</summary>
    public SimulatedNode RootOf(Key key) => NearestTo(key, 1)[0];

    /// <summary>
    /// The nearest to a key of the members that say that they are active; the nearest of all when none does.
    /// </summary>
    public SimulatedNode ActiveRootOf(Key key, ServiceId service)
    {
        IReadOnlyList<SimulatedNode> nearest = NearestTo(key, JoiningAtOnceMax);
        return nearest.FirstOrDefault(node => node.IsActiveIn(service)) ?? nearest[0];
    }

    /// <summary>The members nearest to a key, nearest first.</summary>
    public IReadOnlyList<SimulatedNode> NearestTo(Key key, int count)
    {
        // The nearest stand around the place where the key would be inserted.
        int n = _members.Count;
        int at = InsertionPoint(key);
        var candidates = new List<SimulatedNode>();
        for (int i = -count; i < count; i++)
        {
            SimulatedNode node = _members[(((at + i) % n) + n) % n];
            if (!candidates.Contains(node))
            {
                candidates.Add(node);
            }
        }

        candidates.Sort((a, b) => key.CompareNearness(a.NodeId, b.NodeId));
        return candidates.Count > count ? candidates.GetRange(0, count) : candidates;
    }

    /// <summary>
    /// The next members clockwise of the member at a place in <see cref="Members"/>, nearest first.
    /// </summary>
    public IEnumerable<Key> ClockwiseOf(int index, int count) =>
        Enumerable.Range(1, Math.Min(count, _members.Count - 1))
            .Select(step => _members[(index + step) % _members.Count].NodeId);

    /// <summary>The next members counter-clockwise, nearest first.</summary>
    public IEnumerable<Key> CounterClockwiseOf(int index, int count) =>
        Enumerable.Range(1, Math.Min(count, _members.Count - 1))
            .Select(step => _members[(index - step + _members.Count) % _members.Count].NodeId);

    private int InsertionPoint(Key key)
    {
        int low = 0;
        int high = _members.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_members[middle].NodeId < key)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
