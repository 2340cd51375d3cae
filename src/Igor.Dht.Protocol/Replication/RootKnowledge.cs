using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// For which of its keys a root may answer alone. A root has <em>known</em> a key since it has synchronised
/// with all living members near it while fewer than a majority of the copies could be with members that are
/// missing: some holder of every acknowledged write was then heard, and later writes come through the root
/// itself, so knowledge outlives the death of others. The key is <em>complete</em> while every living member
/// near it has been heard since it came, and <em>settled</em> while in addition a majority of its replicas is
/// alive. Both for every number of copies that a record may ask for. It answers alone for a settled key while
/// a majority of the replicas has promised to give its word to nobody else. See docs/decisions/0006 and 0023.
/// </summary>
internal sealed partial class RootKnowledge(ReplicaContext context)
{
    private readonly List<PeerKnowledge> _peers = [];
    private readonly LeasedPieces _leased = new(context);
    private ArcSet _known = new();
    private ArcSet _complete = new();
    private ArcSet _settled = new();
    private ArcSet _shared = new();
    private int _fewest;
    private bool _isStale = true;

    /// <summary>The living members near this node, in order of their ids.</summary>
    public IReadOnlyList<PeerKnowledge> Peers => _peers;

    /// <summary>Keys of this root for which it has heard of every acknowledged write.</summary>
    public ArcSet Complete
    {
        get
        {
            Refresh();
            return _complete;
        }
    }

    /// <summary>Whether every key of this root is settled.</summary>
    public bool IsSettled
    {
        get
        {
            Refresh();
            return context.Membership.RootArc is { } arc && _settled.Covers(arc);
        }
    }

    /// <summary>
    /// Whether this root may answer for a key without asking: it knows all of it, and what it knows does not
    /// go with this node.
    /// </summary>
    public bool IsSettledFor(Key key)
    {
        Refresh();
        return _settled.Contains(key) && _shared.Contains(key) && !context.Lacked.Contains(key)
            && !context.Unsettled.Contains(key)
            && (!context.Index.TryGet(key, out Holding held)
                || KnowFew(key, held.Replicas, static _ => false));
    }

    /// <summary>
    /// Whether a majority of those whom readers ask about a key knows that there are records with so few
    /// copies, for as long as their holders are expected back: no later root calls what is with such holders
    /// alone absent.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="replicas">The copies that are asked for.</param>
    /// <param name="isHolder">Who holds such a record knows.</param>
    public bool KnowFew(Key key, int replicas, Func<Key, bool> isHolder) =>
        replicas >= Neighbourhood.Replicas
        || IsLastingMajority(key, Neighbourhood.Replicas, id => isHolder(id) || KnowsFew(id, replicas));

    /// <summary>Whether a member knows, for as long, that there are records with so few copies.</summary>
    public bool KnowsFew(Key id, int replicas) => id == context.Membership.Self
        || PeerOf(id)?.KnowsFewUntil[replicas] >= context.Now.Monotonic + context.Options.MissingRetention;

    /// <summary>
    /// Whether leases of a majority of the replicas run for a settled key.
    /// </summary>
    public bool IsLeased(Key key)
    {
        Refresh();
        return _leased.IsLeased(key, _peers, _fewest);
    }

    /// <summary>
    /// Whether those near have told whom they know: before that, this node may take a part of the ring for
    /// all of it.
    /// </summary>
    public bool HasHeardRing => _peers.Count(static peer => peer.HasTold) * 2 >= _peers.Count;

    /// <summary>
    /// Whether these nodes, which gave their word to this root, are a majority of those that are to hold a
    /// record with so many replicas, or can become one.
    /// </summary>
    public bool IsMajority(Key key, int replicas, Func<Key, bool> isAsAsked) =>
        HasHeardRing && context.Membership.IsMajority(key, replicas, isAsAsked);

    /// <summary>
    /// The same, and of those that are to hold it when those have gone that go for good.
    /// </summary>
    public bool IsLastingMajority(Key key, int replicas, Func<Key, bool> isAsAsked) =>
        HasHeardRing && context.Membership.IsLastingMajority(key, replicas, isAsAsked);

    /// <summary>
    /// Whether this root's "I have nothing" means that there is nothing, as far as it heard.
    /// </summary>
    public bool HasVote(Key key) => Complete.Contains(key) && !context.Lacked.Contains(key);

    /// <summary>What is known about a peer; null when it is not alive or not near.</summary>
    public PeerKnowledge? PeerOf(Key id) => _peers.Find(p => p.Id == id);

    /// <summary>The ring changed.</summary>
    public void HandleUpdate()
    {
        Membership membership = context.Membership;
        Arc? root = membership.RootArc;
        _peers.RemoveAll(p => root is null || !membership.Alive.Contains(p.Id));
        foreach (PeerKnowledge peer in _peers)
        {
            peer.Synced.Keep(root);
            peer.Told.Keep(root);
            peer.Leased.Keep(root);
        }

        if (root is not null)
        {
            foreach (Key id in membership.Alive.Members)
            {
                if (id != membership.Self && PeerOf(id) is null)
                {
                    _peers.Add(new PeerKnowledge(id));
                }
            }

            _peers.Sort(static (a, b) => a.Id.CompareTo(b.Id));
        }

        _peers.ForEach(HandleShares);
        _isStale = true;
    }

    /// <summary>
    /// Who is no replica any more misses what is written until it is one again; and where there is nothing to
    /// give, all is given.
    /// </summary>
    private void HandleShares(PeerKnowledge peer)
    {
        for (int replicas = 1; replicas <= RecordCodec.ReplicasMax; replicas++)
        {
            ArcSet shared = Shared(peer, replicas);
            peer.Matched[replicas].Keep(shared);
            peer.Given[replicas].Keep(shared);
            if (replicas != Neighbourhood.Replicas && context.Index.CountOf(replicas) == 0)
            {
                peer.Matched[replicas].Add(shared);
                peer.Given[replicas].Add(shared);
            }
        }
    }

    /// <summary>
    /// A peer told which members it knows: those that this node does not reach may hold what it lacks.
    /// </summary>
    public void HandleMembers(
        PeerKnowledge peer, IReadOnlyList<Key> members, long inSyncSinceUnixMs, IReadOnlyList<int> fewCopies)
    {
        context.HandleFewCopies(fewCopies);
        for (int at = 0; at < fewCopies.Count; at++)
        {
            peer.KnowsFewUntil[at + 1] = context.Now.Monotonic + TimeSpan.FromSeconds(fewCopies[at]);
        }

        peer.InSyncSinceUnixMs = inSyncSinceUnixMs;
        peer.HasTold = true;
        context.Membership.Hear(context.Now.Monotonic, members);
        _isStale = true;
    }

    /// <summary>
    /// A synchronisation ended well: all of the peer's records in these arcs are here, and it had given its
    /// word to this root before.
    /// </summary>
    public void Heard(PeerKnowledge peer, ArcSet arcs, ulong term)
    {
        HandleTerm(peer, term);
        peer.Synced.Add(arcs);
        peer.Synced.Keep(context.Membership.RootArc);
        _isStale = true;
    }

    /// <summary>A synchronisation ended well: the peer has all that it is to hold in these arcs.</summary>
    /// <param name="peer">The peer.</param>
    /// <param name="arcs">The arcs, by the number of replicas.</param>
    public void Gave(PeerKnowledge peer, ArcSet[] arcs)
    {
        for (int replicas = 1; replicas <= RecordCodec.ReplicasMax; replicas++)
        {
            peer.Given[replicas].Add(arcs[replicas]);
            peer.Given[replicas].Keep(Shared(peer, replicas));
        }

        _isStale = true;
    }

    /// <summary>
    /// A peer gave its word, and a lease, for some keys; or this node itself did. If another root had the
    /// peer's word meanwhile, it has to be heard again: then false.
    /// </summary>
    public bool HandleLease(PeerKnowledge? peer, ulong term, ArcSet arcs, TimeSpan until)
    {
        ArcSet before = peer?.Leased ?? _leased.Own;
        _isStale |= !before.Spans.SequenceEqual(arcs.Spans);
        _leased.HandleChange();
        if (peer is null)
        {
            (_leased.Own, _leased.OwnUntil) = (arcs, until);
            return true;
        }

        (peer.Leased, peer.LeasedUntil) = (arcs, until);
        return arcs.IsEmpty || !HandleTerm(peer, term);
    }

    /// <summary>Leases were given up.</summary>
    public void HandleLeasesLost() => _isStale = true;

    /// <summary>A record that was here is lost: the peer has to be heard about its key again.</summary>
    public void Unhear(PeerKnowledge peer, Key key)
    {
        peer.Synced.Remove(new Arc(key, key + KeySpan.One));
        _isStale = true;
    }

    /// <summary>The keys of this root that a peer may hold and was not heard about.</summary>
    public ArcSet Unheard(PeerKnowledge peer)
    {
        var arcs = new ArcSet();
        Membership membership = context.Membership;
        if (membership.RootArc is { } root
            && membership.Expected.Reach(peer.Id, Neighbourhood.Members) is { } near)
        {
            arcs.Add(root);
            arcs.Keep(near);
            arcs.Remove(peer.Synced);
        }

        return arcs;
    }

    /// <summary>
    /// The keys of this root that a peer is a replica of, or will be when those have gone that go for good,
    /// for records with so many replicas.
    /// </summary>
    public ArcSet Shared(PeerKnowledge peer, int replicas)
    {
        var arcs = new ArcSet();
        Membership membership = context.Membership;
        if (membership.RootArc is { } root)
        {
            arcs.Add(root);
            arcs.Keep(membership.Held(peer.Id, replicas));
        }

        return arcs;
    }

    /// <summary>
    /// Whether all replicas are known to have what this root has in its arc; of those that go for good it
    /// does not matter.
    /// </summary>
    public bool IsReplicated()
    {
        if (context.Membership.RootArc is null)
        {
            return false;
        }

        foreach (PeerKnowledge peer in _peers)
        {
            if (!context.Membership.Drainers.Contains(peer.Id) && IsOwed(peer))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Whether a peer may lack something that it is to hold, of records with any number of replicas.
    /// </summary>
    public bool IsOwed(PeerKnowledge peer)
    {
        for (int replicas = 1; replicas <= RecordCodec.ReplicasMax; replicas++)
        {
            if (replicas == Neighbourhood.Replicas || context.Index.CountOf(replicas) > 0)
            {
                ArcSet rest = Shared(peer, replicas);
                rest.Remove(peer.Matched[replicas]);
                if (!rest.IsEmpty)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private bool HandleTerm(PeerKnowledge peer, ulong term)
    {
        bool isOther = peer.Term != term;
        if (isOther)
        {
            peer.Term = term;
            peer.Synced.Clear();
            _isStale = true;
        }

        return isOther;
    }
}
