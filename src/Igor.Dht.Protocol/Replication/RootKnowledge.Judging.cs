using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <content>What follows from what was heard.</content>
internal sealed partial class RootKnowledge
{
    private void Refresh()
    {
        if (!_isStale && _fewest == context.FewestReplicas)
        {
            return;
        }

        if (context.FewestReplicas < _fewest)
        {
            _known = new ArcSet(); // what may be with fewer was not asked for
        }

        _isStale = false;
        _fewest = context.FewestReplicas;
        var known = new ArcSet();
        var complete = new ArcSet();
        var settled = new ArcSet();
        _shared = new ArcSet();
        _leased.Clear();
        if (context.Membership.RootArc is { } root)
        {
            _known.Keep(root);
            foreach (Arc piece in Pieces(root))
            {
                Judge(piece, known, complete, settled);
            }
        }

        _known = known;
        _complete = complete;
        _settled = settled;
    }

    private void Judge(Arc piece, ArcSet known, ArcSet complete, ArcSet settled)
    {
        Membership membership = context.Membership;
        Span<Key> near = stackalloc Key[Neighbourhood.Members];
        near = near[..membership.Expected.Nearest(piece.Start, near)];
        bool heardAll = true;
        foreach (Key id in near)
        {
            heardAll &= PeerOf(id) is not { } peer || (peer.HasTold && peer.Synced.Contains(piece.Start));
        }

        int missing = MissingOf(near, near.Length);
        bool hasHolder = true;
        bool isAlive = true;
        bool isShared = true;
        for (int replicas = _fewest; replicas <= Neighbourhood.Replicas; replicas++)
        {
            int majority = membership.Majority(replicas);
            hasHolder &= missing < majority;
            isAlive &= Math.Min(replicas, near.Length) - MissingOf(near, replicas) >= majority;
            isShared &= SharersOf(near, replicas, piece.Start) >= majority;
        }

        if (isShared)
        {
            _shared.Add(piece);
        }

        if ((heardAll && hasHolder) || _known.Contains(piece.Start))
        {
            known.Add(piece);
            if (heardAll)
            {
                complete.Add(piece);
                if (isAlive)
                {
                    settled.Add(piece);
                    int count = Math.Min(near.Length, Neighbourhood.Replicas);
                    _leased.Add(piece, near[..count].ToArray());
                }
            }
        }
    }

    /// <summary>Number of the first so many members that have what this node has, itself included.</summary>
    private int SharersOf(ReadOnlySpan<Key> near, int count, Key key)
    {
        int sharers = 0;
        for (int at = 0; at < near.Length && at < count; at++)
        {
            bool shares = near[at] == context.Membership.Self
                || PeerOf(near[at])?.Given[count].Contains(key) == true;
            sharers += shares ? 1 : 0;
        }

        return sharers;
    }

    /// <summary>Number of members that are missing among the first so many.</summary>
    private int MissingOf(ReadOnlySpan<Key> near, int count)
    {
        int missing = 0;
        for (int at = 0; at < near.Length && at < count; at++)
        {
            missing += context.Membership.Alive.Contains(near[at]) ? 0 : 1;
        }

        return missing;
    }

    /// <summary>Cuts the root's arc where the answer to any of the questions may change.</summary>
    private IEnumerable<Arc> Pieces(Arc root)
    {
        var points = new List<Key> { root.Start };
        context.Membership.Expected.AddChangePoints(Neighbourhood.Members, points);
        for (int replicas = _fewest; replicas <= Neighbourhood.Replicas; replicas++)
        {
            context.Membership.Expected.AddChangePoints(replicas, points);
        }

        _known.AddEnds(points);
        foreach (PeerKnowledge peer in _peers)
        {
            peer.Synced.AddEnds(points);
            for (int replicas = _fewest; replicas <= Neighbourhood.Replicas; replicas++)
            {
                peer.Given[replicas].AddEnds(points);
            }

            peer.Leased.AddEnds(points);
        }

        _leased.Own.AddEnds(points);

        points.RemoveAll(p => !root.Contains(p));
        points.Sort((a, b) => (a - root.Start).CompareTo(b - root.Start));
        for (int at = 0; at < points.Count; at++)
        {
            bool isLast = at + 1 == points.Count;
            if (isLast || points[at + 1] != points[at])
            {
                yield return new Arc(points[at], isLast ? root.End : points[at + 1]);
            }
        }
    }
}
