using Igor.Kbr;

namespace Igor.Dht.Protocol;

/// <summary>
/// What a replica knows about its own standing. It has a <em>vote</em> on the keys for which a settled root
/// brought it in sync: only there does "I have nothing" mean anything. And it remembers which roots have
/// asked it for what it holds: once a root has, a member that is farther from the key and takes itself for
/// the root must not gather acknowledgements here any more, or the new root would never hear of that write.
/// </summary>
internal sealed class ReplicaVotes(DhtContext context)
{
    /// <summary>Most separate arcs kept per root: a root asks for one or two.</summary>
    private const int SpansMax = 64;

    /// <summary>
    /// Most claims kept of nodes that are no members as far as is known here: anyone can send messages in the
    /// name of any id. More do not come at once.
    /// </summary>
    private const int StrangersMax = 64;

    /// <summary>
    /// How long such a claim counts. A new root may ask before the word that it has come; that takes a second
    /// or two.
    /// </summary>
    private static readonly TimeSpan StrangerTrust = TimeSpan.FromSeconds(10);

    private readonly ArcSet _votes = new();
    private readonly List<Claim> _claims = [];

    /// <summary>Whether this node has a vote on a key.</summary>
    public bool HasVote(Key key) => _votes.Contains(key) && !context.Damaged.Contains(key);

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
        ArcSet arcs = at >= 0 ? _claims[at].Arcs : new ArcSet();
        if (at >= 0)
        {
            _claims.RemoveAt(at);
        }

        _claims.Add(new Claim(root, arcs, context.Now.Monotonic, context.Membership.Alive.Contains(root)));
        DropOldStrangers();
        if (arcs.Spans.Count < SpansMax && !arcs.Covers(arc))
        {
            arcs.Add(arc);
        }
    }

    /// <summary>
    /// Whether a living member nearer to the key than the coordinator, or one that may have come just now,
    /// has asked for it as its root.
    /// </summary>
    public bool IsTakenFrom(Key coordinator, Key key)
    {
        foreach (Claim claim in _claims)
        {
            if (claim.Root != coordinator && key.CompareNearness(claim.Root, coordinator) < 0
                && claim.Arcs.Contains(key) && IsTrusted(claim))
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
        _claims.RemoveAll(c => c.IsMember && !alive.Contains(c.Root));
        for (int at = 0; at < _claims.Count; at++)
        {
            _claims[at] = _claims[at] with { IsMember = alive.Contains(_claims[at].Root) };
        }
    }

    private bool IsTrusted(Claim claim) =>
        claim.IsMember || context.Now.Monotonic - claim.At < StrangerTrust;

    /// <summary>Drops the oldest claims of nodes that are no members when there are too many.</summary>
    private void DropOldStrangers()
    {
        int surplus = _claims.Count(c => !c.IsMember) - StrangersMax;
        _claims.RemoveAll(c => !c.IsMember && surplus-- > 0);
    }

    /// <summary>What a node has asked for, and when last. The latest are at the end of the list.</summary>
    private readonly record struct Claim(Key Root, ArcSet Arcs, TimeSpan At, bool IsMember);
}
