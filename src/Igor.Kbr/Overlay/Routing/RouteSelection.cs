using Igor.Kbr.Overlay.Machines;

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
        List<Peer> members, Key self, bool isMember, Key destination, Key? excluded, List<Key>? tried)
    {
        Peer? best = null;
        int bestRank = 0;
        Key bestDistance = Key.Max;
        Key ownDistance = destination.DistanceTo(self);
        foreach (Peer peer in members)
        {
            Key distance = destination.DistanceTo(peer.Id);
            if (isMember && !IsNearer(destination, peer.Id, distance, self, ownDistance))
            {
                continue;
            }

            if (peer.Id == excluded)
            {
                continue;
            }

            if (peer.Id == destination)
            {
                return peer; // however slow: what comes another way does not prove who sent it
            }

            int rank = tried?.Contains(peer.Id) == true ? 2 : peer.IsSuspect ? 1 : 0;
            if (best is null || rank < bestRank
                || (rank == bestRank && IsNearer(destination, peer.Id, distance, best.Id, bestDistance)))
            {
                (best, bestRank, bestDistance) = (peer, rank, distance);
            }
        }

        return best;
    }

    private static bool IsNearer(Key destination, Key a, Key distanceA, Key b, Key distanceB)
    {
        int order = distanceA.CompareTo(distanceB);
        return order < 0 || (order == 0 && destination.CompareNearness(a, b) < 0);
    }
}
