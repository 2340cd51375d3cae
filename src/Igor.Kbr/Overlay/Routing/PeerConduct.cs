using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>How long peers take to answer what is passed on, and so what is late; whom to avoid.</summary>
internal sealed class PeerConduct(NodeContext context, Liveness liveness, SilentMembers silent)
{
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

    private readonly PerPeer<SmoothedTime> _replyTimes = new(context.Peers, () => default);
    private SmoothedTime _replyTimeOfAll;

    /// <summary>Avoided where there is a choice: it may be gone, or leaves requests unanswered.</summary>
    public bool IsSuspect(TimeSpan now, Peer peer) => liveness.IsInDoubt(peer) || silent.IsSuspect(now, peer);

    /// <summary>
    /// Whether a connected peer is passed over, as it owes an answer: it may live, but whoever is next acts
    /// in its stead.
    /// </summary>
    public bool IsSilent(TimeSpan now, Peer peer) => liveness.SilentAt(now, peer) <= now;

    /// <summary>When that will be so, if nothing comes from it; null when not, or already.</summary>
    public TimeSpan? SilentAt(TimeSpan now, Peer peer) =>
        context.Peers.IsConnected(peer) && liveness.SilentAt(now, peer) is { } at && at > now ? at : null;

    /// <summary>
    /// A reply came through a peer. The overlay's own say nothing of applications', nor does the word that an
    /// answer will follow.
    /// </summary>
    public void NoteReply(TimeSpan now, Peer peer, Pending entry, in Attempt attempt, ReplyStatus status)
    {
        if (status == ReplyStatus.Ok)
        {
            TimeSpan late = LateAfter(peer);
            TimeSpan sample = Least(now - attempt.SentAt, late);
            _replyTimes[peer].Add(sample);
            _replyTimeOfAll.Add(sample);
        }

        if (status != ReplyStatus.Working)
        {
            silent.NoteReply(peer, entry);
        }
    }

    /// <summary>
    /// A request was passed to a peer: says when to look at it, if no reply comes. A peer that has been quiet
    /// is asked along with it whether it lives. The reply may take so many times as long as most do.
    /// </summary>
    public TimeSpan LookAt(TimeSpan now, Pending entry, double patience)
    {
        Peer next = entry.Newest.Next;
        if (now - liveness.Health(next).HeardAt >= QuietFor)
        {
            entry.Newest.IsAsked = true;
            liveness.Expect(now, next);
        }

        return now + Least(LateAfter(next) * patience, SilentAfter(next));
    }

    /// <summary>
    /// When the last hop of a request is to be looked at again; null when the request is late now. A hop of
    /// which nothing at all came may be dead: it has to show that it lives, and when that takes longer than
    /// its connection does, no more is waited for its reply. It gets no other request while there is another
    /// way. One that lives has to say whether it has the request.
    /// </summary>
    public TimeSpan? LookAgainAt(TimeSpan now, Pending entry, double patience)
    {
        ref Attempt newest = ref entry.Newest;
        Peer next = newest.Next;
        if (newest.HasFailed || !context.Peers.IsConnected(next))
        {
            return null;
        }

        TimeSpan late = newest.LastAt + (LateAfter(next) * patience);
        if (liveness.Health(next).HeardAt > newest.LastAt)
        {
            if (now < late)
            {
                return late;
            }

            silent.Ask(now, next, entry.Id);
            return null;
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

    /// <summary>
    /// A request has ended without an answer: who said that it is being worked on is avoided. It loses no
    /// place for it, since an application that hangs lets honest hops say so.
    /// </summary>
    public void NoteUnanswered(TimeSpan now, Pending entry)
    {
        foreach (ref readonly Attempt attempt in entry.Attempts)
        {
            if (attempt.SaidWorking && context.Peers.IsConnected(attempt.Next))
            {
                silent.Suspect(now, attempt.Next);
            }
        }
    }

    /// <summary>
    /// After how long a reply through a peer is late: mean + 4 x variation (Rhea et al., USENIX'04) of those
    /// that came, all further hops and the answerer included; of all peers' where it has sent none.
    /// </summary>
    private TimeSpan LateAfter(Peer peer)
    {
        SmoothedTime time = _replyTimes[peer].Mean is null ? _replyTimeOfAll : _replyTimes[peer];
        TimeSpan late = time.Mean is { } mean ? mean + (4 * time.Variation) : LateFirst;
        return late > LateMin ? late : LateMin;
    }

    /// <summary>After how long a peer of which nothing came is taken for silent.</summary>
    private TimeSpan SilentAfter(Peer peer)
    {
        TimeSpan answer = liveness.AnswersWithin(peer) ?? LateFirst;
        return answer > SilentMin ? answer : SilentMin;
    }

    private static TimeSpan Least(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
