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

    /// <summary>A retransmission of TCP.</summary>
    private static readonly TimeSpan SilentMin = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// A peer that has been quiet for so long may well have died since. To ask each that says nothing for a
    /// moment would cost more than all heartbeats.
    /// </summary>
    private static readonly TimeSpan QuietFor = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan WorkingMin = TimeSpan.FromSeconds(1);

    /// <summary>A dropped request weighs no longer: one now and then is bad luck.</summary>
    private static readonly TimeSpan DroppedFor = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan SuspicionTime = TimeSpan.FromSeconds(15);

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
        TimeSpan late = LateAfter(peer);
        sample = sample < late ? sample : late;
        _replyTimes[peer].Add(sample);
        _replyTimeOfAll.Add(sample);
    }

    private void NoteSent(TimeSpan now, Peer peer, Pending entry)
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
    /// A request was passed to a peer: says when to look at it, if no reply comes. A peer that has been quiet
    /// is asked along with it whether it lives.
    /// </summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="entry">The request.</param>
    /// <param name="patience">How many times as long as replies mostly take this one may take.</param>
    public TimeSpan LookAt(TimeSpan now, Pending entry, double patience = 1)
    {
        Peer next = entry.Newest.Next!;
        if (now - liveness.Health(next).HeardAt >= QuietFor)
        {
            entry.Newest.IsAsked = true;
            liveness.Expect(now, next);
        }

        NoteSent(now, next, entry);
        return now + Least(LateAfter(next) * patience, SilentAfter(next));
    }

    /// <summary>
    /// When the last hop of a request is to be looked at again; null when the request is late now. A hop of
    /// which nothing at all came may be dead: it has to show that it lives, and when that takes longer than
    /// its connection does, no more is waited for its reply. It gets no other request while there is another
    /// way.
    /// </summary>
    public TimeSpan? LookAgainAt(TimeSpan now, Pending entry, double patience = 1)
    {
        ref Attempt newest = ref entry.Newest;
        if (newest is not { HasFailed: false, Next: { } next } || !context.Peers.IsConnected(next))
        {
            return null;
        }

        TimeSpan late = newest.LastAt + (LateAfter(next) * patience);
        bool isHeard = liveness.Health(next).HeardAt > newest.LastAt;
        if (isHeard)
        {
            return now < late ? late : null;
        }

        bool wasAsked = newest.IsAsked;
        newest.IsAsked = true;
        liveness.Doubt(now, next);
        return wasAsked || late <= now ? null : now + Least(late - now, SilentAfter(next));
    }

    /// <summary>
    /// For how long who says that a request is being worked on is believed, as it or its root may be wrong
    /// or die: as long as it has taken, and no less than this.
    /// </summary>
    public static TimeSpan BelieveWorking(TimeSpan taken) => taken > WorkingMin ? taken : WorkingMin;

    /// <summary>A peer has dropped a request: it is avoided for a while.</summary>
    public void NoteDropped(TimeSpan now, Peer peer)
    {
        Silence silence = _silences[peer];
        silence.Dropped = now - silence.DroppedAt > DroppedFor ? 1 : silence.Dropped + 1;
        silence.DroppedAt = now;
        silence.IsSuspected = true;
        int dropped = silence.Dropped;
        context.Timers.Schedule(now + SuspicionTime, _ => silence.IsSuspected &= silence.Dropped != dropped);
    }

    /// <summary>
    /// A request has ended without an answer: who said that it is being worked on has dropped one. That is
    /// never the one too many, since an application that hangs lets honest hops say so.
    /// </summary>
    public void NoteUnanswered(TimeSpan now, Pending entry)
    {
        foreach (ref readonly Attempt attempt in entry.AllAttempts)
        {
            if (attempt is { SaidWorking: true, Next: { } peer } && context.Peers.IsConnected(peer)
                && (_silences[peer].Dropped == 0 || now - _silences[peer].DroppedAt > DroppedFor))
            {
                NoteDropped(now, peer);
            }
        }
    }

    /// <summary>After how long a peer of which nothing came is taken for silent.</summary>
    private TimeSpan SilentAfter(Peer peer)
    {
        TimeSpan answer = liveness.AnswersWithin(peer) ?? LateFirst;
        return answer > SilentMin ? answer : SilentMin;
    }

    private static TimeSpan Least(TimeSpan a, TimeSpan b) => a < b ? a : b;

    /// <summary>
    /// A reply came through a peer; the overlay's own say nothing of applications', nor does the word that
    /// an answer will follow.
    /// </summary>
    public void NoteAnswer(Peer peer, Pending entry, ReplyStatus status)
    {
        if (status == ReplyStatus.Working)
        {
            return;
        }

        Silence silence = _silences[peer];
        if (entry.Id == silence.Awaited || !entry.IsControl)
        {
            silence.Forget();
        }

        if (!entry.IsControl)
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
