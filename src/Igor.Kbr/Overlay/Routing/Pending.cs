using System.Runtime.CompilerServices;
using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>What an entry of the pending table waits for.</summary>
internal enum PendingKind
{
    /// <summary>A request of another node went through here; its reply goes back the way it came.</summary>
    Transit,

    /// <summary>A request of this node is on its way.</summary>
    Own,

    /// <summary>A request of this node waits for a next hop to be there.</summary>
    Parked,

    /// <summary>A request of this node waits for an application's word on whether it goes.</summary>
    Undecided,

    /// <summary>A request was delivered to the application here, which has not answered yet.</summary>
    Delivery,
}

/// <summary>
/// Soft state of one request at this hop, until its reply or its deadline; all attempts to pass it on have
/// its one id. Reused.
/// </summary>
internal sealed class Pending
{
    /// <summary>More attempts than a hop makes; of an origin's the last count.</summary>
    public const int AttemptsMax = 4;

    private Attempts _attempts;

    public ulong Id { get; set; }

    public PendingKind Kind { get; set; }

    /// <summary>Where it came from, and what it was called there (transit, delivery).</summary>
    public Link? Previous { get; set; }

    public ulong PreviousId { get; set; }

    /// <summary>Whether it came from a stranger (as it was then).</summary>
    public bool IsStrangers { get; set; }

    /// <summary>Whether it is for the overlay at its root, not for an application.</summary>
    public bool IsControl { get; set; }

    /// <summary>The service that it was delivered in (delivery).</summary>
    public ServiceId Service { get; set; }

    /// <summary>The request, when it is this node's own.</summary>
    public OwnRequest? Own { get; set; }

    /// <summary>How many hops it was passed to last; replies of others are not taken.</summary>
    public int AttemptCount { get; private set; }

    /// <summary>The hops that it was passed to, the last one first.</summary>
    public ReadOnlySpan<Attempt> AllAttempts => ((ReadOnlySpan<Attempt>)_attempts)[..AttemptCount];

    /// <summary>The last hop that it was passed to.</summary>
    public ref Attempt Newest => ref _attempts[0];

    /// <summary>When the next thing is done about it.</summary>
    public TimeSpan Deadline { get; set; }

    /// <summary>When it ends, whatever happens.</summary>
    public TimeSpan End { get; set; }

    /// <summary>The frame, to be passed on once more, in a pooled buffer; null for none (transit).</summary>
    public byte[]? Frame { get; set; }

    public int FrameBytes { get; set; }

    /// <summary>Tells its repeats from other requests; 0 for none (delivery).</summary>
    public ulong Fingerprint { get; set; }

    /// <summary>The delivery that this is another way of, by which the answer goes back too.</summary>
    public Pending? First { get; private set; }

    /// <summary>The next way of the same delivery.</summary>
    public Pending? NextWay { get; private set; }

    // Links of the wheel's list that the entry stands in.
    public int Slot { get; set; } = -1;

    public Pending? After { get; set; }

    public Pending? Before { get; set; }

    /// <summary>It is passed to a peer now, perhaps again.</summary>
    public void NoteAttempt(TimeSpan now, Peer next)
    {
        int at = IndexOf(next.Id);
        TimeSpan since = WaitsFor(next) ? _attempts[at].SentAt : now;
        bool saidWorking = at >= 0 && _attempts[at].SaidWorking;
        if (at < 0)
        {
            at = Math.Min(AttemptCount, AttemptsMax - 1);
            AttemptCount = at + 1;
        }

        for (int i = at; i > 0; i--)
        {
            _attempts[i] = _attempts[i - 1];
        }

        _attempts[0] = new Attempt { Next = next, SentAt = since, LastAt = now, SaidWorking = saidWorking };
    }

    /// <summary>
    /// When it was passed to a peer whose reply counts; null when to none such. A hop that refused a repeat
    /// may bring the answer to what it was passed before, but no other reply.
    /// </summary>
    public TimeSpan? SentTo(Peer peer, bool isAnswer) =>
        IndexOf(peer.Id) is >= 0 and int at && _attempts[at].Next == peer
            && (isAnswer || !_attempts[at].HasFailed)
            ? _attempts[at].SentAt
            : null;

    /// <summary>When it was last passed to a peer that it waits for; null when it does not.</summary>
    public TimeSpan? WaitsForSince(Peer peer) =>
        WaitsFor(peer) ? _attempts[IndexOf(peer.Id)].LastAt : null;

    /// <summary>Whether it went to that peer, while it has been connected, and waits for it.</summary>
    public bool WaitsFor(Peer peer) =>
        IndexOf(peer.Id) is >= 0 and int at && !_attempts[at].HasFailed && _attempts[at].Next == peer;

    /// <summary>Whether it waits for any hop.</summary>
    public bool WaitsForSome
    {
        get
        {
            for (int i = 0; i < AttemptCount; i++)
            {
                if (!_attempts[i].HasFailed)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Whether it went to a peer, however that ended.</summary>
    public bool WasPassedTo(Key peer) => IndexOf(peer) >= 0;

    /// <summary>That hop does not answer any more.</summary>
    public void NoteFailed(Key peer)
    {
        if (IndexOf(peer) is >= 0 and int at)
        {
            _attempts[at].HasFailed = true;
        }
    }

    /// <summary>That hop says that it is being worked on; false when it has said so before.</summary>
    public bool NoteWorking(Peer peer)
    {
        int at = IndexOf(peer.Id);
        bool isNews = at >= 0 && !_attempts[at].SaidWorking;
        if (isNews)
        {
            _attempts[at].SaidWorking = true;
        }

        return isNews;
    }

    public void ForgetAttempts()
    {
        _attempts = default;
        AttemptCount = 0;
    }

    /// <summary>The ways by which a delivery came.</summary>
    public int CountOfWays => 1 + (NextWay?.CountOfWays ?? 0);

    /// <summary>Whether a delivery came by that way before.</summary>
    public bool IsWayOf(Link link, ulong hopId) =>
        (Previous?.Peer == link.Peer && PreviousId == hopId) || NextWay?.IsWayOf(link, hopId) == true;

    /// <summary>A delivery came by another way.</summary>
    public void AddWay(Pending way)
    {
        (way.First, way.NextWay) = (this, NextWay);
        NextWay = way;
    }

    /// <summary>This way is not one of its delivery's any more.</summary>
    public void LeaveWays()
    {
        for (Pending? way = First; way is not null; way = way.NextWay)
        {
            if (way.NextWay == this)
            {
                way.NextWay = NextWay;
            }
        }

        ForgetWays();
    }

    public void ForgetWays() => (First, NextWay) = (null, null);

    private int IndexOf(Key peer)
    {
        for (int i = 0; i < AttemptCount; i++)
        {
            if (_attempts[i].Next!.Id == peer)
            {
                return i;
            }
        }

        return -1;
    }

    [InlineArray(AttemptsMax)]
    private struct Attempts
    {
        private Attempt _first;
    }
}
