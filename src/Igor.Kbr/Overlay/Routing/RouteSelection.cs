using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// The choice of the next hop: greedy on the symmetric ring, only strictly nearer to the destination, so that
/// a message cannot go in circles. Among those a healthy peer goes before one that leaves requests
/// unanswered.
/// </summary>
internal sealed class RouteSelection(NodeContext context, PeerConduct conduct)
{
    /// <summary>The peer to hand a message to; null when this node is the nearest.</summary>
    /// <param name="members">Connected peers of the message's service.</param>
    /// <param name="isMember">Whether this node counts: only nearer peers are taken then.</param>
    /// <param name="destination">Where the message goes.</param>
    /// <param name="avoid">Who is not to get it.</param>
    public Peer? NextHop(MemberTable members, bool isMember, Key destination, in HopsToAvoid avoid)
    {
        Peer? suspect = null;
        Peer? last = null;
        foreach (Peer peer in members.NearestTo(destination))
        {
            if (isMember && destination.CompareNearness(context.Id, peer.Id) < 0)
            {
                break; // the others are farther still
            }

            if (peer.Id == avoid.Excluded)
            {
                continue;
            }

            if (peer.Id == destination)
            {
                return peer; // however slow: what comes another way does not prove who sent it
            }

            if (avoid.HadIt(peer.Id))
            {
                last ??= peer;
            }
            else if (conduct.IsSuspect(peer))
            {
                suspect ??= peer;
            }
            else
            {
                return peer;
            }
        }

        return suspect ?? last;
    }
}
