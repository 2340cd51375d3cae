using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>The nodes at a distance from 2^Exponent to below twice that, on one side of a node.</summary>
internal readonly record struct FingerSlot(int Exponent, bool IsClockwise);

/// <summary>
/// Long links: on each side one slot for each power of two of distance beyond the neighbours. A slot is
/// filled by a connection whose other end lies in it and that either end opened for that; the slot is the
/// same one for both ends, and so is what the connection is good for. Connections that are there for
/// something else may go at any time, and fill none, except those to neighbours in some ring.
/// </summary>
internal sealed class FingerTable(NodeContext context, RingTable rings)
{
    /// <summary>
    /// Connections of one slot: who was there first would be everybody's finger otherwise. The mean is below
    /// two, since one that another end opened fills the slot as well.
    /// </summary>
    public const int PerSlotMax = 4;

    private const int SlotsPerSide = 255;

    /// <summary>Whether a peer fills a slot.</summary>
    public bool IsFinger(Peer peer) => peer.IsForFinger && peer.JoinsRing && peer.Runs(ServiceId.Base)
        && rings.Base.IsActive;

    /// <summary>Whether a node that wants a slot filled by this one finds room.</summary>
    public bool HasRoomFor(Key id)
    {
        FingerSlot slot = SlotOf(id);
        return context.Peers.All.Count(p => p.IsForFinger && SlotOf(p.Id) == slot) < PerSlotMax;
    }

    /// <summary>
    /// The slots beyond the neighbours that nobody fills, the farthest of each side first; for a node that is
    /// active in the base ring, whose members all do what else makes a finger.
    /// </summary>
    public List<FingerSlot> Empty()
    {
        NeighbourSet set = rings.Base.Neighbours;
        IEnumerable<Peer> filling = rings.Base.Members.All.Where(p => p.IsForFinger || rings.IsNeighbour(p));
        HashSet<FingerSlot> filled = [.. filling.Select(peer => SlotOf(peer.Id))];
        IEnumerable<FingerSlot> ahead = Beyond(set.Clockwise[^1] - context.Id, isClockwise: true);
        IEnumerable<FingerSlot> back = Beyond(context.Id - set.CounterClockwise[^1], isClockwise: false);
        return [.. ahead.Concat(back).Where(slot => !filled.Contains(slot))];
    }

    private static IEnumerable<FingerSlot> Beyond(Key extent, bool isClockwise) =>
        Enumerable.Range(1, Math.Max(0, SlotsPerSide - 1 - extent.HighestBit()))
            .Select(back => new FingerSlot(SlotsPerSide - back, isClockwise));

    /// <summary>The slot that a node lies in.</summary>
    public FingerSlot SlotOf(Key id)
    {
        Key clockwise = id - context.Id;
        Key back = context.Id - id;
        bool isClockwise = clockwise < back;
        int exponent = (isClockwise ? clockwise : back).HighestBit();
        return new FingerSlot(Math.Min(exponent, SlotsPerSide - 1), isClockwise);
    }
}
