using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// The choice of the next hop: greedy on the symmetric ring, only strictly nearer to the destination, so that
/// a message cannot go in circles. Among those a healthy peer goes before one that leaves requests
/// unanswered.
/// </summary>
internal static class RouteSelection
{
    /// <summary>The peer to hand a message to; null when this node is the nearest.</summary>
    /// <param name="members">Connected peers of the message's service.</param>
    /// <param name="self">This node's id.</param>
    /// <param name="isMember">Whether this node counts: only nearer peers are taken then.</param>
    /// <param name="destination">Where the message goes.</param>
    /// <param name="excluded">A node that must not get it; null for none.</param>
    /// <param name="tried">Nodes that had it before: they get it again when all others had it.</param>
    public static Peer? NextHop(
        MemberTable members, Key self, bool isMember, Key destination, Key? excluded, List<Key>? tried)
    {
        Peer? suspect = null;
        Peer? last = null;
        foreach (Peer peer in members.NearestTo(destination))
        {
            if (isMember && destination.CompareNearness(self, peer.Id) < 0)
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

            if (tried?.Contains(peer.Id) == true)
            {
                last ??= peer;
            }
            else if (peer.IsSuspect)
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
