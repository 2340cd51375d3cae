using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// The choice of the next hop: greedy on the symmetric ring, only strictly nearer to the destination, so that
/// a message cannot go in circles. Among those a healthy peer goes before one that leaves requests
/// unanswered, and who does not answer at all is passed over.
/// </summary>
internal sealed class RouteSelection(NodeContext context, PeerConduct conduct)
{
    /// <summary>
    /// The member to hand a message to; null when this node, if it is one itself, is the nearest. A request
    /// goes again to hops that had it only when all others had it.
    /// </summary>
    public Peer? NextHop(
        TimeSpan now,
        MemberTable members,
        bool isMember,
        Key destination,
        Key? excluded = null,
        Pending? entry = null)
    {
        Peer? suspect = null;
        Peer? last = null;
        foreach (Peer peer in members.NearestTo(destination))
        {
            if (isMember && destination.CompareNearness(context.Id, peer.Id) < 0)
            {
                break; // the others are farther still
            }

            if (peer.Id == excluded)
            {
                continue;
            }

            if (peer.Id == destination)
            {
                return peer; // however slow: what comes another way does not prove who sent it
            }

            if (conduct.IsSilent(now, peer))
            {
                continue;
            }

            if (entry?.WasTried(peer.Id) == true)
            {
                last ??= peer;
            }
            else if (conduct.IsSuspect(now, peer))
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
