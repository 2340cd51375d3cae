using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// Long links: on each side one slot for each power of two of distance beyond the neighbours. A slot is
/// filled by any connection whose other end lies in it, whoever opened it.
/// </summary>
internal sealed class FingerTable(NodeContext context)
{
    private const int SlotsPerSide = 255;

    private readonly Peer?[] _clockwise = new Peer?[SlotsPerSide];
    private readonly Peer?[] _counterClockwise = new Peer?[SlotsPerSide];
    private readonly PerPeer<bool> _isFinger = new(context.Peers, () => false);

    /// <summary>Whether a peer fills a slot.</summary>
    public bool IsFinger(Peer peer) => _isFinger[peer];

    /// <summary>Fills the slots anew from the members that are connected.</summary>
    public void TakeStock(MemberTable members)
    {
        Array.Clear(_clockwise);
        Array.Clear(_counterClockwise);
        foreach (Peer peer in members)
        {
            Key clockwise = peer.Id - context.Id;
            Key back = context.Id - peer.Id;
            Peer?[] side = clockwise < back ? _clockwise : _counterClockwise;
            int slot = Math.Min((clockwise < back ? clockwise : back).HighestBit(), SlotsPerSide - 1);
            Peer? holder = side[slot];
            side[slot] = holder is null || (IsFinger(peer) && !IsFinger(holder)) ? peer : holder;
        }

        foreach (Peer peer in context.Peers.All)
        {
            _isFinger[peer] = false;
        }

        foreach (Peer? peer in _clockwise.Concat(_counterClockwise))
        {
            if (peer is not null)
            {
                _isFinger[peer] = true;
            }
        }
    }

    /// <summary>
    /// The slots beyond a neighbour set that nobody fills, the farthest of each side first.
    /// </summary>
    public List<FingerSlot> Empty(NeighbourSet set)
    {
        var empty = new List<FingerSlot>();
        CollectEmpty(empty, _clockwise, (set.Clockwise[^1] - context.Id).HighestBit(), true);
        CollectEmpty(empty, _counterClockwise, (context.Id - set.CounterClockwise[^1]).HighestBit(), false);
        return empty;
    }

    private static void CollectEmpty(List<FingerSlot> empty, Peer?[] side, int extent, bool isClockwise)
    {
        for (int slot = SlotsPerSide - 1; slot > extent; slot--)
        {
            if (side[slot] is null)
            {
                empty.Add(new FingerSlot(slot, isClockwise));
            }
        }
    }
}
