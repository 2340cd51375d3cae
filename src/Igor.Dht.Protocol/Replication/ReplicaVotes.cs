using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// What a replica knows about its own standing. It has a <em>vote</em> on the keys for which a settled root
/// brought it in sync: only there does "I have nothing" mean anything.
/// </summary>
internal sealed class ReplicaVotes(ReplicaContext context)
{
    private readonly ArcSet _votes = new();

    /// <summary>Whether this node has a vote on a key.</summary>
    public bool HasVote(Key key) => _votes.Contains(key) && !context.Lacked.Contains(key);

    /// <summary>Gives this node a vote.</summary>
    public void Add(ArcSet arcs) => _votes.Add(arcs);

    /// <summary>What was heard does not count any more.</summary>
    public void Clear() => _votes.Clear();

    /// <summary>A settled root says that this node is in sync with it in an arc.</summary>
    public void HandleSyncDone(Key root, Arc arc)
    {
        var arcs = ArcSet.Of(arc);
        arcs.Keep(context.Membership.Alive.Range(root, 1));
        arcs.Keep(context.Membership.Alive.Range(context.Membership.Self, Neighbourhood.Replicas));
        _votes.Add(arcs);
    }

    /// <summary>The ring changed.</summary>
    public void HandleUpdate()
    {
        RingView alive = context.Membership.Alive;
        _votes.Keep(alive.Range(context.Membership.Self, Neighbourhood.Replicas));
    }
}
