using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Finds members that answer pings and drop requests. When a request waits for long, the peer that it was
/// passed to is asked whether it has it. Links keep their order: so an honest peer has answered before, or
/// has it still, however slow the hops behind it or its application are. One that says it has not, lets the
/// question lie while it answers the ping behind it, or lives and answers neither, has dropped the request:
/// it is suspect, and gets a request for its overlay itself. When it drops that too it loses its place
/// (<see cref="Sentences"/>), and the neighbours are told, who believe nobody and probe it themselves.
/// </summary>
internal sealed class SilenceDetection(
    NodeContext context,
    RingTable rings,
    PendingTable pending,
    PeerConduct conduct,
    Sentences sentences,
    ForwardDesk desk,
    Liveness liveness,
    Router router) : TimedMachine, IHearsSigns
{
    private const int DroppedMax = 2;

    private static readonly TimeSpan AnswersAgainAfter = PeerConduct.AskAfter / 2;
    private static readonly TimeSpan ToldAgainAfter = TimeSpan.FromSeconds(5);
    /// <summary>How long a lost answer excuses a node, about as long as the longest request waits.</summary>
    private static readonly TimeSpan ExcuseTime = TimeSpan.FromMinutes(1);

    /// <summary>A hop forgets a request after so long; about an older one it need not know.</summary>
    private static readonly TimeSpan AskableFor = TimeSpan.FromSeconds(45);

    public override ReadOnlySpan<MessageType> Messages =>
    [
        MessageType.RequestQuery, MessageType.RequestState, MessageType.SilentPeer, MessageType.Refused,
    ];

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
                HandleRefused(peer, frame.Read<RefusedMessage>().RefusedType);
                break;
        }
    }

    /// <summary>What was on its way, or asked about, may have been lost with the link.</summary>
    public override void HandleLinkSwitched(TimeSpan now, Peer peer) => conduct[peer].Forget();

    public override TimeSpan? NextDeadline => conduct.NextDeadline;

    public override void HandleDeadline(TimeSpan now)
    {
        while (conduct.TryTakeRedeemed(out Peer? peer))
        {
            sentences.Lift(now, peer);
        }

        while (conduct.TryTakeWatched(now, out Peer? peer))
        {
            if (context.Peers.IsConnected(peer))
            {
                Look(now, peer);
            }
        }
    }

    /// <summary>The peer answered a ping: also the question before it, if it answers at all.</summary>
    public void HandleSign(TimeSpan now, Peer peer, in SignOfLife sign)
    {
        if (conduct[peer].AskedAt is { } asked && sign.AskedAt >= asked)
        {
            NoteDropped(now, peer);
        }
    }

    /// <summary>The peer said whether it has a request.</summary>
    private void HandleState(TimeSpan now, Peer peer, in RequestStateMessage state)
    {
        (ulong request, bool isHeld) = state;
        if (conduct[peer].AskedAt is null || request != conduct[peer].Awaited)
        {
            return;
        }

        if (isHeld || pending.Find(request) is null)
        {
            conduct[peer].Forget();
        }
        else
        {
            NoteDropped(now, peer);
        }
    }

    /// <summary>
    /// The peer does not know what was asked: it is of an earlier version, and is not asked again.
    /// </summary>
    private void HandleRefused(Peer peer, int refusedType)
    {
        if (refusedType == (int)MessageType.RequestQuery)
        {
            conduct[peer].CannotTell = true;
            conduct[peer].Forget();
        }

        context.Raise(
            OverlayEventKind.ProtocolError, peer.Id, $"does not know messages of type {refusedType}");
    }

    /// <summary>
    /// A peer asks whether this node has its request. Looking costs a walk over what is pending, so that one
    /// who asks too often is told yes; so is one whose answers found no room, which were not dropped.
    /// </summary>
    private void HandleQuery(TimeSpan now, Peer peer, ulong request)
    {
        if (conduct[peer].HasLostAnswer)
        {
            conduct[peer].HasLostAnswer = false;
            conduct[peer].ExcusedUntil = now + ExcuseTime;
        }

        bool isHeld = now < conduct[peer].MayAskAt || now < conduct[peer].ExcusedUntil || desk.Holds(peer.Id)
            || (pending.CountOf(peer) > 0
                && pending.Any(e => e.PreviousId == request && e.Previous?.Peer == peer));
        conduct[peer].MayAskAt = now + AnswersAgainAfter;
        context.Send(peer, new RequestStateMessage(request, isHeld));
    }

    /// <summary>A neighbour says that a peer drops requests: worth a probe, now and then.</summary>
    private void HandleTold(TimeSpan now, Key id)
    {
        if (context.Peers.TryGet(id, out Peer? peer) && !rings.IsBarred(peer)
            && now >= conduct[peer].MayBeToldOfAt)
        {
            conduct[peer].MayBeToldOfAt = now + ToldAgainAfter;
            sentences.Probe(now, id, (_, _) => { });
        }
    }

    /// <summary>Somebody waits for an answer through the peer, or did lately.</summary>
    private void Look(TimeSpan now, Peer peer)
    {
        Silence silence = conduct[peer];
        if (silence.Awaited == 0)
        {
            silence.IsWatched = false;
            return;
        }

        TimeSpan next = now + PeerConduct.AskAfter;
        if (silence.AskedAt is { } asked && liveness.Health(peer).AskedAt is null
            && now - asked > context.Options.ProbeTimeout)
        {
            NoteDropped(now, peer); // it was heard since, and answers neither question nor ping
        }
        else if (silence.AskedAt is not null || liveness.Health(peer).AskedAt is not null)
        {
            // It may be gone altogether.
        }
        else if (now < silence.AwaitedSince + PeerConduct.AskAfter)
        {
            next = silence.AwaitedSince + PeerConduct.AskAfter;
        }
        else
        {
            Ask(now, peer);
        }

        conduct.Watch(peer, next);
    }

    private void Ask(TimeSpan now, Peer peer)
    {
        Silence silence = conduct[peer];
        ulong request = silence.Awaited;
        if (pending.Find(request) is not { } entry || !entry.WaitsFor(peer)
            || now - silence.AwaitedSince > AskableFor)
        {
            silence.Forget(); // it ended without this peer's help
            return;
        }

        silence.AskedAt = now;
        context.Send(peer, new RequestQueryMessage(request));
        liveness.Doubt(now, peer); // until something comes
    }

    private void NoteDropped(TimeSpan now, Peer peer)
    {
        Silence silence = conduct[peer];
        ulong asked = silence.Awaited;
        silence.Forget();
        conduct.NoteDropped(now, peer);
        if (silence.Dropped >= DroppedMax && !rings.IsBarred(peer))
        {
            sentences.Pass(now, peer);
            Tell(peer);
        }

        ulong? rerouted = silence.Dropped >= DroppedMax ? null : asked; // the others may be answered yet
        router.HandleSilence(now, peer, rerouted);
        if (!rings.IsBarred(peer))
        {
            sentences.Probe(now, peer.Id, (_, _) => { }); // after that, or it would be rerouted too
        }
    }

    private void Tell(Peer silent)
    {
        foreach (Peer peer in context.Peers.All)
        {
            if (peer != silent && rings.IsNeighbour(peer))
            {
                context.Send(peer, new SilentPeerMessage(silent.Id));
            }
        }
    }
}
