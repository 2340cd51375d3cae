using Igor.Kbr.Overlay.Rings;

namespace Igor.Kbr.Overlay.Peers;

/// <summary>
/// Tells the host what each link's peer is to this node. To claim membership costs nothing, so that a peer is
/// a member only while this node uses it: as neighbour or finger, at an address where others reach it too.
/// </summary>
internal sealed class Standings(NodeContext context, RingTable rings)
{
    /// <summary>A link leads to the peer, beside another one or in place of it.</summary>
    public void Tell(Link link, Peer peer) => context.Output.SetStanding(link.Id, peer.Standing);

    /// <summary>Something about the peer changed.</summary>
    public void Review(Peer peer)
    {
        PeerStanding standing = IsMember(peer) ? PeerStanding.Member : PeerStanding.Stranger;
        if (peer.Standing != standing)
        {
            peer.Standing = standing;
            Tell(peer.Link, peer);
        }
    }

    /// <summary>Nodes became neighbours, or are none any more.</summary>
    public void Review(NeighbourChange change)
    {
        foreach (Key id in change.Joined.Concat(change.Departed.Select(departed => departed.Id)))
        {
            if (context.Peers.TryGet(id, out Peer? peer))
            {
                Review(peer);
            }
        }
    }

    /// <summary>The fingers were chosen anew.</summary>
    public void ReviewAll()
    {
        foreach (Peer peer in context.Peers.All)
        {
            Review(peer);
        }
    }

    private bool IsMember(Peer peer) =>
        peer.JoinsRing
        && !peer.IsLeaving
        && !peer.Addresses.IsEmpty
        && peer.Runs(ServiceId.Base)
        && (!context.Options.JoinsRing || peer.IsFinger || rings.IsNeighbour(peer));
}
