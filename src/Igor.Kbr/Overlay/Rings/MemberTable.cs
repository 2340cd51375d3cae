using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// The connected members of one ring, in order of id, seen from one node. Changed by one peer at a time;
/// who stands where, and who is nearest to a key, is found by binary search, so that neither news of a peer
/// nor a message that passes costs a walk over all.
/// </summary>
internal sealed class MemberTable(Key self)
{
    private readonly List<Peer> _sorted = [];

    public int Count => _sorted.Count;

    public IReadOnlyList<Peer> All => _sorted;

    public Peer this[int index] => _sorted[index];

    public bool Contains(Peer peer)
    {
        int index = CountBelow(peer.Id);
        return index < _sorted.Count && _sorted[index] == peer;
    }

    public bool Add(Peer peer)
    {
        int index = CountBelow(peer.Id);
        if (index < _sorted.Count && _sorted[index].Id == peer.Id)
        {
            return false;
        }

        _sorted.Insert(index, peer);
        return true;
    }

    public bool Remove(Peer peer)
    {
        bool isThere = Contains(peer);
        if (isThere)
        {
            _sorted.RemoveAt(CountBelow(peer.Id));
        }

        return isThere;
    }

    /// <summary>The member that follows this node clockwise, after that many others.</summary>
    public Peer Clockwise(int others) => _sorted[(CountBelow(self) + others) % _sorted.Count];

    /// <summary>The same counter-clockwise.</summary>
    public Peer CounterClockwise(int others) =>
        _sorted[(CountBelow(self) + _sorted.Count - 1 - others) % _sorted.Count];

    /// <summary>Whether a node, member or not, is one of the nearest so many on either side.</summary>
    public bool IsAmongNearest(Key id, int perSide)
    {
        int below = CountBelow(id);
        int count = _sorted.Count;
        int others = below < count && _sorted[below].Id == id ? count - 1 : count;
        int between = below - CountBelow(self); // negative when the way there leads over the highest id
        int clockwise = id > self ? between : count + between;
        return clockwise < perSide || others - clockwise < perSide;
    }

    /// <summary>Whether no member is nearer to a key than this node.</summary>
    public bool IsNearest(Key key)
    {
        NearnessWalk walk = NearestTo(key);
        return !walk.MoveNext() || key.CompareNearness(self, walk.Current.Id) < 0;
    }

    /// <summary>The members in order of nearness to a key (<see cref="Key.CompareNearness"/>).</summary>
    public NearnessWalk NearestTo(Key key) => new(_sorted, key, CountBelow(key));

    private int CountBelow(Key id) => PeerTable.CountBelow(_sorted, id);
}
