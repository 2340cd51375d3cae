using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Finds members that answer pings and drop requests. When a request is late, the peer that it was passed to
/// is asked whether it has it. Links keep their order: so an honest peer has answered before, or has it
/// still, however slow the hops behind it or its application are. One that says it has not, lets the question
/// lie while it answers the ping behind it, or lives and answers neither, has dropped a request, and is
/// avoided for a while. When it does so again it loses its place in all rings: the next nearest is root in
/// its stead, for a time that doubles. Then it has to answer a question to have its place again. The
/// neighbours are told, who believe nobody and ask it themselves.
/// </summary>
internal sealed class SilentMembers(
    NodeContext context, RingTable rings, PendingTable pending, Liveness liveness) : Machine, IHearsSigns
{
    private const int DroppedMax = 2;

    /// <summary>More than a node knows neighbours and fingers; beyond, the oldest is forgotten.</summary>
    private const int TermsMax = 256;

    /// <summary>A question about no request: whether the peer answers any.</summary>
    private const ulong AnyRequest = 0;

    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AnswersAgainAfter = AskAgainAfter / 2;
    private static readonly TimeSpan ToldAgainAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SuspicionTime = TimeSpan.FromSeconds(15);

    /// <summary>A dropped request weighs no longer: one now and then is bad luck.</summary>
    private static readonly TimeSpan DroppedFor = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan TermFirst = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan TermMax = TimeSpan.FromMinutes(10);

    private readonly PerPeer<State?> _states = new(context.Peers, () => null); // few have one
    private readonly Dictionary<Key, Term> _terms = []; // outlive connections

    public override ReadOnlySpan<MessageType> Messages =>
    [
        MessageType.RequestQuery, MessageType.RequestState, MessageType.SilentPeer, MessageType.Refused,
    ];

    /// <summary>Whether a peer is better avoided because of what it dropped.</summary>
    public bool IsSuspect(TimeSpan now, Peer peer) => now < _states[peer]?.SuspectUntil;

    public void Suspect(TimeSpan now, Peer peer) => Of(peer).SuspectUntil = now + SuspicionTime;

    /// <summary>A reply to this node found no room on the way to a peer: it is not to be blamed.</summary>
    public void NoteLostReply(Peer peer) => Of(peer).LostReplies++;

    /// <summary>A reply came through a peer; to one for the overlay itself it may limit itself.</summary>
    public void NoteReply(Peer peer, Pending entry)
    {
        State? state = _states[peer];
        if (entry.Id == state?.AskedOf || !entry.IsControl)
        {
            state?.AskedAt = null;
        }

        if (!entry.IsControl && state is not null)
        {
            (state.Dropped, state.SuspectUntil) = (0, default);
        }
    }

    /// <summary>
    /// Asks a peer whether it has a request, unless it was just asked, or owes an answer: a later question
    /// would give it more time for the first. One without a place is asked when its term ends. Of a request
    /// that went over a link used before it is not asked: the question might overtake the reply.
    /// </summary>
    public void Ask(TimeSpan now, Peer peer, ulong request)
    {
        State state = Of(peer);
        bool wentBefore = pending.Find(request)?.TryGet(peer, out Attempt attempt) == true
            && attempt.LastAt < state.SwitchedAt;
        if (state.AskedAt is null && now >= state.AskAt && !wentBefore
            && (request == AnyRequest || !rings.IsBarred(peer)))
        {
            state.AskAt = now + AskAgainAfter;
            bool isSent = context.Send(peer, new RequestQueryMessage(request));
            if (isSent) // else there was no room, and it owes no answer
            {
                (state.AskedOf, state.AskedAt) = (request, now);
                liveness.Ping(now, peer); // who answers this one has had the question
            }

            context.Timers.Schedule(now + context.Options.ProbeTimeout, later =>
            {
                if (!context.Peers.IsConnected(peer))
                {
                    return;
                }

                if (!isSent)
                {
                    AskBarred(later, peer);
                }
                else if (state.AskedAt == now)
                {
                    HandleNoAnswer(later, peer, liveness.Health(peer).HeardAt > now);
                }
            });
        }
    }

    /// <summary>A peer is connected, perhaps again.</summary>
    public override void HandlePeerUp(TimeSpan now, Peer peer)
    {
        if (_terms.TryGetValue(peer.Id, out Term? term) && now < term.EndsAt)
        {
            rings.BarAtOnce(peer);
        }
    }

    /// <summary>What was on its way, or asked about, may have been lost with the link.</summary>
    public override void HandleLinkSwitched(TimeSpan now, Peer peer)
    {
        State state = Of(peer);
        state.SwitchedAt = now;
        if (state.AskedAt is not null)
        {
            state.AskedAt = null;
            AskBarred(now, peer);
        }
    }

    /// <summary>The peer answered a ping: also the question before it, if it answers at all.</summary>
    public void HandleSign(TimeSpan now, Peer peer, in SignOfLife sign)
    {
        if (_states[peer]?.AskedAt is { } asked && sign.AskedAt >= asked)
        {
            HandleNoAnswer(now, peer, isAlive: true);
        }
    }

    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        switch (frame.Type)
        {
            case MessageType.RequestQuery:
                HandleQuery(now, peer, frame.Read<RequestQueryMessage>().HopId);
                break;
            case MessageType.RequestState:
                HandleState(now, peer, frame.Read<RequestStateMessage>());
                break;
            case MessageType.SilentPeer:
                HandleTold(now, frame.Read<SilentPeerMessage>().Node);
                break;
            default:
                int type = frame.Read<RefusedMessage>().RefusedType;
                context.Raise(
                    OverlayEventKind.ProtocolError, peer.Id, $"does not know messages of type {type}");
                break;
        }
    }

    /// <summary>
    /// A peer asks whether this node has its request. Looking costs a walk over what is pending, so that one
    /// who asks too often is told yes; so is one whose replies found no room, which were not dropped.
    /// </summary>
    private void HandleQuery(TimeSpan now, Peer peer, ulong request)
    {
        State state = Of(peer);
        bool isHeld = now < state.MayAskAt || state.LostReplies > 0 || pending.Holds(peer, request);
        state.LostReplies -= state.LostReplies > 0 ? 1 : 0;
        state.MayAskAt = now + AnswersAgainAfter;
        context.Send(peer, new RequestStateMessage(request, isHeld));
    }

    private void HandleState(TimeSpan now, Peer peer, in RequestStateMessage said)
    {
        if (_states[peer] is not { AskedAt: not null } state || said.HopId != state.AskedOf)
        {
            return;
        }

        state.AskedAt = null;
        if (said.HopId == AnyRequest && rings.IsBarred(peer))
        {
            Readmit(now, peer);
        }
        else if (!said.IsHeld && pending.Find(said.HopId) is not null)
        {
            NoteDropped(now, peer);
        }
    }

    /// <summary>A question was not answered: a peer that lives has dropped it too.</summary>
    private void HandleNoAnswer(TimeSpan now, Peer peer, bool isAlive)
    {
        Of(peer).AskedAt = null;
        if (rings.IsBarred(peer))
        {
            Prolong(now, peer.Id, TermOf(peer.Id));
        }
        else if (isAlive)
        {
            NoteDropped(now, peer);
            if (!rings.IsBarred(peer))
            {
                Of(peer).AskAt = now;
                Ask(now, peer, AnyRequest);
            }
        }
    }

    /// <summary>A neighbour says that a peer drops requests: worth a question, now and then.</summary>
    private void HandleTold(TimeSpan now, Key id)
    {
        if (context.Peers.TryGet(id, out Peer? peer) && !rings.IsBarred(peer)
            && now >= Of(peer).AskAt + ToldAgainAfter)
        {
            Ask(now, peer, AnyRequest);
        }
    }

    private void NoteDropped(TimeSpan now, Peer peer)
    {
        State state = Of(peer);
        state.Dropped = now - state.DroppedAt > DroppedFor ? 1 : state.Dropped + 1;
        state.DroppedAt = now;
        Suspect(now, peer);
        if (state.Dropped >= DroppedMax && !rings.IsBarred(peer))
        {
            Bar(now, peer);
        }
    }

    /// <summary>Takes a peer's place.</summary>
    private void Bar(TimeSpan now, Peer peer)
    {
        Term term = TermOf(peer.Id);
        term.Length = now - term.EndsAt > TermMax ? TermFirst / 2 : term.Length;
        Prolong(now, peer.Id, term);
        context.Raise(
            OverlayEventKind.PeerSilent,
            peer.Id,
            $"it drops requests, and is left out for {term.Length.TotalSeconds:0} s");
        rings.Bar(now, peer);
        foreach (Peer other in context.Peers.All)
        {
            if (other != peer && rings.IsNeighbour(other))
            {
                context.Send(other, new SilentPeerMessage(peer.Id));
            }
        }
    }

    private void Prolong(TimeSpan now, Key id, Term term)
    {
        term.Length = term.Length * 2 < TermMax ? term.Length * 2 : TermMax;
        term.EndsAt = now + context.Random.Jitter(term.Length);
        context.Timers.Schedule(term.EndsAt, later =>
        {
            if (context.Peers.TryGet(id, out Peer? peer)) // else it is judged anew if it comes back
            {
                AskBarred(later, peer);
            }
        });
    }

    /// <summary>A peer whose term is over may have its place back for an answer.</summary>
    private void AskBarred(TimeSpan now, Peer peer)
    {
        if (rings.IsBarred(peer))
        {
            Of(peer).AskAt = now;
            Ask(now, peer, AnyRequest);
        }
    }

    private Term TermOf(Key id)
    {
        if (!_terms.TryGetValue(id, out Term? term))
        {
            if (_terms.Count >= TermsMax)
            {
                _terms.Remove(_terms.MinBy(pair => (pair.Value.EndsAt, pair.Key)).Key);
            }

            _terms.Add(id, term = new Term());
        }

        return term;
    }

    /// <summary>Its term is known still, so that a next one is longer.</summary>
    private void Readmit(TimeSpan now, Peer peer)
    {
        (Of(peer).Dropped, Of(peer).SuspectUntil) = (0, default);
        rings.Readmit(now, peer);
    }

    private State Of(Peer peer) => _states[peer] ??= new State();

    private sealed class State
    {
        /// <summary>The request that it was asked about last.</summary>
        public ulong AskedOf { get; set; }

        /// <summary>When that was; null when it has answered.</summary>
        public TimeSpan? AskedAt { get; set; }

        /// <summary>When it is asked again at the soonest.</summary>
        public TimeSpan AskAt { get; set; } = -ToldAgainAfter;

        /// <summary>Since when the link to it is used.</summary>
        public TimeSpan SwitchedAt { get; set; }

        /// <summary>When it may ask this node again about its own requests.</summary>
        public TimeSpan MayAskAt { get; set; }

        /// <summary>Replies for it that found no room, and about which it has not asked.</summary>
        public int LostReplies { get; set; }

        public int Dropped { get; set; }

        public TimeSpan DroppedAt { get; set; }

        public TimeSpan SuspectUntil { get; set; }
    }

    private sealed class Term
    {
        public TimeSpan Length { get; set; } = TermFirst / 2;

        public TimeSpan EndsAt { get; set; }
    }
}
