using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// Tells the host what each link's peer is to this node. To claim membership costs nothing, so that a peer is
/// a member only while this node uses it, as neighbour or finger. One that this node has dialled is less than
/// that but no stranger: strangers that come do not choose whom it dials.
/// </summary>
internal sealed class Standings(NodeContext context, RingTable rings, FingerTable fingers) : Machine
{
    /// <summary>A link leads to the peer, beside another one or in place of it.</summary>
    public void Tell(Link link, Peer peer) => context.Output.SetStanding(link.Id, peer.Standing);

    /// <summary>Something about the peer changed.</summary>
    public void Review(Peer peer)
    {
        PeerStanding standing = Of(peer);
        if (peer.Standing != standing)
        {
            peer.Standing = standing;
            Tell(peer.Link, peer);
        }
    }

    public override void HandlePeerUp(TimeSpan now, Peer peer) => Review(peer);

    public override void HandleServicesChanged(
        TimeSpan now, Peer peer, List<ServiceId> changed) => Review(peer);

    /// <summary>Nodes became neighbours, or are none any more.</summary>
    public override void HandleRingChanged(TimeSpan now, ServiceId service, NeighbourChange change)
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

    private PeerStanding Of(Peer peer)
    {
        bool claimsRing = peer.JoinsRing
            && !peer.Addresses.IsEmpty
            && peer.Runs(ServiceId.Base);
        if (!claimsRing)
        {
            return PeerStanding.Stranger;
        }

        bool isUsed = !context.Options.JoinsRing || fingers.IsFinger(peer) || rings.IsNeighbour(peer);
        return isUsed ? PeerStanding.Member
            : peer.WasDialled ? PeerStanding.Reached
            : PeerStanding.Stranger;
    }
}
