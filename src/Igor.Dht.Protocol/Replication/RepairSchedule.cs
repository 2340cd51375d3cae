using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// Decides when this node, as the root of its arc, synchronises with which of the members near it: soon after
/// the ring changed or a record was learned, again after a growing pause when it failed, and every now and
/// then when nothing happened.
/// </summary>
internal sealed class RepairSchedule(ReplicaContext context, RootKnowledge root, ReplicaVotes votes)
    : ISyncOwner, IReplyHandler
{
    private static readonly TimeSpan SoonLeast = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan SoonMost = TimeSpan.FromMilliseconds(120);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private const int MembersTag = 1;
    private static readonly TimeSpan TellTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Of records with more replicas enough are left when one leaves.</summary>
    private const int FewReplicas = 2;

    private readonly List<RepairPeer> _peers = [];
    private int _sessions;
    private bool _isLeaving;

    /// <summary>When the next synchronisation is due; null while as many run as may.</summary>
    public TimeSpan? NextDeadline
    {
        get
        {
            TimeSpan? next = null;
            if (_sessions < context.Options.SyncSessionsMax)
            {
                foreach (RepairPeer peer in _peers)
                {
                    next = peer.Session is null && (next is null || peer.Due < next) ? peer.Due : next;
                }
            }

            return next;
        }
    }

    /// <summary>
    /// Whether a peer was not yet given what it lacks since this node began to leave. One that did not take
    /// it is not asked again.
    /// </summary>
    public bool IsOwing => _peers.Exists(static peer => peer.IsOwed);

    /// <summary>Whether a peer did not take what it was to be given.</summary>
    public bool HasRefused => _peers.Exists(static peer => peer.HasRefused);

    /// <summary>This node is going to leave: what peers lack they are given now.</summary>
    public void BeginLeaving()
    {
        _isLeaving = true;
        _peers.ForEach(Owe);
    }

    /// <summary>The ring changed.</summary>
    public void HandleUpdate()
    {
        _peers.RemoveAll(p =>
        {
            bool isGone = root.PeerOf(p.Knowledge.Id) != p.Knowledge;
            if (isGone && p.Session is { } session)
            {
                session.Abandon();
                _sessions--;
            }

            return isGone;
        });
        foreach (PeerKnowledge knowledge in root.Peers)
        {
            RepairPeer? peer = _peers.Find(p => p.Knowledge == knowledge);
            if (peer is null)
            {
                peer = new RepairPeer(knowledge) { Due = Later() };
                _peers.Add(peer);
            }

            if (HasWork(knowledge))
            {
                Hurry(peer);
            }
        }

        if (_isLeaving)
        {
            _peers.ForEach(Owe);
        }
    }

    /// <summary>A peer lacks something.</summary>
    public void HandleLack(Key id)
    {
        if (_peers.Find(p => p.Knowledge.Id == id) is { } peer)
        {
            Mend(peer);
        }
    }

    /// <summary>
    /// This root learned a record otherwise than from a put: others lack it, the source does not.
    /// </summary>
    public void HandleLearned(Key source)
    {
        foreach (RepairPeer peer in _peers)
        {
            if (peer.Knowledge.Id != source)
            {
                Mend(peer);
            }
        }
    }

    /// <summary>A peer has to be heard again.</summary>
    public void HandleUnheard(PeerKnowledge knowledge)
    {
        if (_peers.Find(p => p.Knowledge == knowledge) is { } peer)
        {
            Hurry(peer);
        }
    }

    /// <summary>The root lost a record of its own: others may have it.</summary>
    public void HandleDamage(Key key)
    {
        foreach (RepairPeer peer in _peers)
        {
            root.Unhear(peer.Knowledge, key);
            if (HasWork(peer.Knowledge))
            {
                Hurry(peer);
            }
        }
    }

    /// <summary>A deadline has passed: starts what is due.</summary>
    public void HandleDeadline()
    {
        while (_sessions < context.Options.SyncSessionsMax)
        {
            RepairPeer? due = null;
            foreach (RepairPeer peer in _peers)
            {
                if (peer.Session is null && peer.Due <= context.Now.Monotonic
                    && (due is null || peer.Due < due.Due))
                {
                    due = peer;
                }
            }

            if (due is null)
            {
                return;
            }

            Start(due);
        }
    }

    /// <inheritdoc/>
    public void HandleSyncEnd(SyncSession session, bool isGood)
    {
        RepairPeer? peer = _peers.Find(p => p.Session == session);
        if (peer is null)
        {
            return;
        }

        _sessions--;
        peer.Session = null;
        bool hasNewClasses = (session.PeerClasses & ~peer.Knowledge.Classes) != 0;
        peer.Knowledge.Classes = session.PeerClasses;
        for (int replicas = 1; replicas < Neighbourhood.Replicas; replicas++)
        {
            if ((session.PeerClasses & (1 << replicas)) != 0)
            {
                context.HandleReplicas(replicas);
            }
        }

        if (session.Fetched > 0)
        {
            HandleLearned(peer.Knowledge.Id);
        }

        HandleHeard(peer, session);

        if (!isGood)
        {
            peer.HasRefused = peer.IsOwed;
            peer.IsOwed = false;
            Delay(peer);
            TellAll();
            return;
        }

        if (!hasNewClasses)
        {
            HandleMatch(peer);
        }

        bool isMore = peer.IsWanted || hasNewClasses || HasWork(peer.Knowledge);
        peer.IsOwed &= isMore;
        peer.HasRefused = false;
        if (isMore && !session.Apart.IsEmpty)
        {
            Delay(peer);
        }
        else
        {
            peer.Pause = null;
            peer.Due = isMore ? Soon() : LaterFor(peer);
        }

        if (!context.Unsettled.IsEmpty && _sessions == 0 && root.IsReplicated())
        {
            context.Unsettled.Clear();
        }

        TellAll();
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        // Whether the peer heard that it is in sync does not matter: it is told again after every
        // synchronisation.
        if (tag == MembersTag && reply.Status == KbrStatus.Ok && root.PeerOf(reply.Responder) is { } peer
            && Decoding.TryRead(
                reply.Payload, MessageKind.MembersAre, CommonMessages.ReadMembersAre, out var members))
        {
            root.HandleMembers(peer, members.Members, members.SinceUnixMs, members.FewCopies);
            votes.Add(root.Complete);
            TellAll();
        }
    }

    // What a peer holds counts when it gave its word first: nobody else writes there behind this root's back.
    private void HandleHeard(RepairPeer peer, SyncSession session)
    {
        if (session.IsHeard && session.Term != 0
            && (peer.Knowledge.Term == peer.TermBefore || peer.Knowledge.Term == session.Term))
        {
            peer.Pulling.Remove(session.Apart);
            root.Heard(peer.Knowledge, peer.Pulling, session.Term);
            votes.Add(root.Complete);
        }
    }

    private void HandleMatch(RepairPeer peer)
    {
        root.Gave(peer.Knowledge, peer.Matching);
        if (!peer.IsWanted)
        {
            for (int replicas = 1; replicas <= RecordCodec.ReplicasMax; replicas++)
            {
                ArcSet matched = peer.Knowledge.Matched[replicas];
                matched.Add(peer.Matching[replicas]);
                matched.Keep(root.Shared(peer.Knowledge, replicas));
            }

            peer.Knowledge.Told.Clear();
        }
    }

    private bool HasWork(PeerKnowledge peer) => root.IsOwed(peer) || !root.Unheard(peer).IsEmpty;

    private void Owe(RepairPeer peer)
    {
        bool hasFew = false;
        for (int replicas = 1; replicas <= FewReplicas; replicas++)
        {
            hasFew |= context.Index.CountOf(replicas) > 0;
        }

        if ((hasFew || root.IsOwed(peer.Knowledge)) && !peer.IsOwed)
        {
            peer.IsOwed = true;
            peer.IsWanted = true;
            peer.Pause = null;
            peer.Due = context.Now.Monotonic;
        }
    }

    private void Delay(RepairPeer peer)
    {
        TimeSpan next = (peer.Pause * 2) ?? FirstPause;
        peer.Pause = next < LongestPause ? next : LongestPause;
        peer.Due = context.Now.Monotonic + context.Random.Jitter(peer.Pause.Value);
    }

    private TimeSpan Soon() => context.Now.Monotonic + context.Random.Between(SoonLeast, SoonMost);

    private TimeSpan Later() => context.Now.Monotonic + context.Random.Jitter(context.Options.SyncPeriod);

    /// <summary>One that has not told whom it knows is asked again soon.</summary>
    private TimeSpan LaterFor(RepairPeer peer) => peer.Knowledge.HasTold
        ? Later()
        : context.Now.Monotonic + context.Random.Jitter(FirstPause);

    private void Mend(RepairPeer peer)
    {
        Array.ForEach(peer.Knowledge.Matched, matched => matched.Clear());
        Hurry(peer);
    }

    private void Hurry(RepairPeer peer)
    {
        peer.IsWanted = true;
        TimeSpan soon = Soon();
        if (peer.Session is null && peer.Pause is null && peer.Due > soon)
        {
            peer.Due = soon;
        }
    }

    private void Start(RepairPeer peer)
    {
        var ranges = new List<SyncRange>();
        CommonMessages.WriteMembers(context.Buffer);
        context.Request(this, MembersTag, peer.Knowledge.Id, exact: true, TellTimeout);
        peer.IsWanted = false;
        peer.Pulling = root.Unheard(peer.Knowledge);
        peer.TermBefore = peer.Knowledge.Term;
        for (int replicas = 1; replicas <= RecordCodec.ReplicasMax; replicas++)
        {
            peer.Matching[replicas] = root.Shared(peer.Knowledge, replicas);
            bool occurs = replicas == Neighbourhood.Replicas
                || context.Index.CountOf(replicas) > 0
                || (peer.Knowledge.Classes & (1 << replicas)) != 0;
            if (occurs)
            {
                // Of a few copies not one may be missing when this node has left.
                int holders = _isLeaving && replicas <= FewReplicas ? replicas + 1 : replicas;
                ranges.AddRange(context.Membership.Parts(root.Shared(peer.Knowledge, holders))
                    .Select(arc => new SyncRange(arc, replicas, Pushes: true, Pulls: true)));
            }
        }

        ranges.AddRange(context.Membership.Parts(peer.Pulling)
            .Select(arc => new SyncRange(arc, Replicas: 0, Pushes: false, Pulls: true)));
        if (ranges.Count == 0)
        {
            peer.IsOwed = false;
            peer.Due = LaterFor(peer);
            HandleMatch(peer);
            return;
        }

        _sessions++;
        peer.Session = new SyncSession(context, this, peer.Knowledge.Id, ranges);
        peer.Session.Start();
    }

    /// <summary>
    /// Tells replicas for which keys they are in sync with a root that is settled. What the root lacks they
    /// cannot have from it.
    /// </summary>
    private void TellAll()
    {
        ArcSet complete = root.Complete.Copy();
        Key[] lacked = [.. context.Lacked.All.Select(lack => lack.Key).Where(complete.Contains)];
        if (context.Lacked.HasForgotten || lacked.Length > SyncMessages.ArcsMax)
        {
            return;
        }

        foreach (Key key in lacked)
        {
            complete.Remove(new Arc(key, key + KeySpan.One));
        }

        foreach (RepairPeer peer in _peers)
        {
            ArcSet arcs = complete.Copy();
            arcs.Keep(peer.Knowledge.Matched[Neighbourhood.Replicas]);
            arcs.Remove(peer.Knowledge.Told);
            if (arcs.IsEmpty || arcs.Spans.Count > SyncMessages.ArcsMax)
            {
                continue;
            }

            peer.Knowledge.Told.Add(arcs);
            SyncMessages.WriteDone(context.Buffer, [.. arcs.Arcs()]);
            context.Request(this, 0, peer.Knowledge.Id, exact: true, TellTimeout);
        }
    }
}
