using System.Diagnostics.CodeAnalysis;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// How each peer treats the requests that are passed to it, as far as this node has seen: what it answers, in
/// which time, and for which request it is waited longest. Written where requests pass, judged elsewhere
/// (<see cref="SilenceDetection"/>).
/// </summary>
internal sealed class PeerConduct(NodeContext context, Liveness liveness)
{
    /// <summary>A request that waits for so long is asked after.</summary>
    public static readonly TimeSpan AskAfter = TimeSpan.FromMilliseconds(500);

    /// <summary>Before any peer has answered anything.</summary>
    private static readonly TimeSpan LateFirst = TimeSpan.FromSeconds(2);

    /// <summary>As long as a healthy process pauses, and as any retransmission of TCP takes.</summary>
    private static readonly TimeSpan LateMin = TimeSpan.FromMilliseconds(250);

    private readonly PerPeer<Silence> _silences = new(context.Peers, () => new Silence());
    private readonly PerPeer<SmoothedTime> _replyTimes = new(context.Peers, () => default);
    private readonly PriorityQueue<Peer, (TimeSpan At, long Order)> _watched = new();
    private readonly Queue<Peer> _redeemed = new();
    private long _order;
    private SmoothedTime _replyTimeOfAll;

    /// <summary>What is known of a connected peer.</summary>
    public Silence this[Peer peer] => _silences[peer];

    /// <summary>Avoided where there is a choice: it may be gone, or leaves requests unanswered.</summary>
    public bool IsSuspect(Peer peer) => liveness.IsInDoubt(peer) || _silences[peer].IsSuspected;

    /// <summary>
    /// After how long a reply through a peer is late: mean + 4 x variation (Rhea et al., USENIX'04) of those
    /// that came, all further hops and the answerer included; of all peers' where it has sent none.
    /// </summary>
    public TimeSpan LateAfter(Peer peer)
    {
        SmoothedTime time = _replyTimes[peer].Mean is null ? _replyTimeOfAll : _replyTimes[peer];
        TimeSpan late = time.Mean is { } mean ? mean + (4 * time.Variation) : LateFirst;
        return late > LateMin ? late : LateMin;
    }

    /// <summary>A reply came so long after its request.</summary>
    public void NoteReplyTime(Peer peer, TimeSpan sample)
    {
        _replyTimes[peer].Add(sample);
        _replyTimeOfAll.Add(sample);
    }

    /// <summary>A request was passed to a peer, which is looked at when it has not answered soon.</summary>
    public void NoteSent(TimeSpan now, Peer peer, Pending entry)
    {
        Silence silence = _silences[peer];
        if (silence.Awaited != 0 || silence.CannotTell)
        {
            return;
        }

        silence.Awaited = entry.Id;
        silence.AwaitedSince = now;
        if (!silence.IsWatched)
        {
            silence.IsWatched = true;
            Watch(peer, now + AskAfter);
        }
    }

    /// <summary>When somebody is to be looked at; null for never.</summary>
    public TimeSpan? NextDeadline =>
        _redeemed.Count > 0 ? TimeSpan.Zero : _watched.TryPeek(out _, out var first) ? first.At : null;

    /// <summary>A peer is looked at then.</summary>
    public void Watch(Peer peer, TimeSpan at) => _watched.Enqueue(peer, (at, _order++));

    /// <summary>Takes a peer that is to be looked at now.</summary>
    public bool TryTakeWatched(TimeSpan now, [NotNullWhen(true)] out Peer? peer)
    {
        peer = null;
        return _watched.TryPeek(out _, out var first) && first.At <= now
            && _watched.TryDequeue(out peer, out _);
    }

    /// <summary>Takes a peer with a record that has answered a request.</summary>
    public bool TryTakeRedeemed([NotNullWhen(true)] out Peer? peer) => _redeemed.TryDequeue(out peer);

    /// <summary>
    /// The last hop of a request is late. When nothing at all came from it meanwhile it may be dead: it gets
    /// no other request while there is another way, and has to show that it lives.
    /// </summary>
    public void NoteLate(TimeSpan now, Pending entry)
    {
        if (entry.Newest is { HasFailed: false, Next: { } next } newest && context.Peers.IsConnected(next)
            && liveness.Health(next).HeardAt <= newest.SentAt)
        {
            liveness.Doubt(now, next);
        }
    }

    /// <summary>A reply came through a peer; the overlay's own say nothing of applications'.</summary>
    public void NoteAnswer(Peer peer, Pending entry, ReplyStatus status)
    {
        Silence silence = _silences[peer];
        if (entry.Id == silence.Awaited || !entry.IsControl)
        {
            silence.Forget();
        }

        if (!entry.IsControl && status != ReplyStatus.Working)
        {
            silence.Dropped = 0;
            silence.IsSuspected = false;
            if (silence.HasRecord)
            {
                silence.HasRecord = false;
                _redeemed.Enqueue(peer);
            }
        }
    }
}
