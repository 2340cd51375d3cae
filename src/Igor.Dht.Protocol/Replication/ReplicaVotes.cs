using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// What a replica knows about its own standing. It has a <em>vote</em> on the keys for which a settled root
/// brought it in sync: only there does "I have nothing" mean anything. And it remembers which roots have
/// asked it for what it holds: once a root has, a member that is farther from the key and takes itself for
/// the root must not gather acknowledgements here any more, or the new root would never hear of that write.
/// </summary>
internal sealed class ReplicaVotes(ReplicaContext context)
{
    /// <summary>Most separate arcs kept per root: a root asks for one or two.</summary>
    private const int SpansMax = 64;

    private readonly ArcSet _votes = new();
    private readonly List<Claim> _claims = [];

    /// <summary>Whether this node has a vote on a key.</summary>
    public bool HasVote(Key key) => _votes.Contains(key) && !context.Lacked.Contains(key);

    /// <summary>Gives this node a vote.</summary>
    public void Add(ArcSet arcs) => _votes.Add(arcs);

    /// <summary>A settled root says that this node is in sync with it in an arc.</summary>
    public void HandleSyncDone(Key root, Arc arc)
    {
        var arcs = ArcSet.Of(arc);
        arcs.Keep(context.Membership.Alive.Range(root, 1));
        arcs.Keep(context.Membership.Alive.Range(context.Membership.Self, Neighbourhood.Replicas));
        _votes.Add(arcs);
    }

    /// <summary>A member asks for what this node holds in an arc.</summary>
    public void HandleSync(Key root, Arc arc)
    {
        int at = _claims.FindIndex(c => c.Root == root);
        if (at < 0)
        {
            at = _claims.Count;
            _claims.Add(new Claim(root, new ArcSet()));
        }

        ArcSet arcs = _claims[at].Arcs;
        if (arcs.Spans.Count < SpansMax && !arcs.Covers(arc))
        {
            arcs.Add(arc);
        }
    }

    /// <summary>
    /// Whether a living member nearer to the key than the coordinator has asked for it as its root.
    /// </summary>
    public bool IsTakenFrom(Key coordinator, Key key)
    {
        foreach (Claim claim in _claims)
        {
            if (claim.Root != coordinator && key.CompareNearness(claim.Root, coordinator) < 0
                && claim.Arcs.Contains(key))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The ring changed.</summary>
    public void HandleUpdate()
    {
        RingView alive = context.Membership.Alive;
        _votes.Keep(alive.Range(context.Membership.Self, Neighbourhood.Replicas));
        _claims.RemoveAll(c => !alive.Contains(c.Root));
    }

    /// <summary>What a member has asked for.</summary>
    private readonly record struct Claim(Key Root, ArcSet Arcs);
}
