using System.Runtime.InteropServices;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>What an entry of the pending table waits for.</summary>
internal enum PendingKind
{
    /// <summary>The reply of a hop that it was passed to.</summary>
    Sent,

    /// <summary>A hop that it may go to (a request of this node).</summary>
    Parked,

    /// <summary>An application's word on whether it goes.</summary>
    Undecided,

    /// <summary>The answer of the application here.</summary>
    Delivered,
}

/// <summary>A hop that a request was passed to.</summary>
internal struct Attempt
{
    public required Peer Next { get; init; }

    /// <summary>When, for the first time: what comes is taken for the answer to that.</summary>
    public TimeSpan SentAt { get; init; }

    /// <summary>When, for the last time.</summary>
    public TimeSpan LastAt { get; init; }

    /// <summary>Whether it gets it again only when all others had it.</summary>
    public bool IsTried { get; set; }

    /// <summary>Whether it was asked whether it lives, since nothing came from it.</summary>
    public bool IsAsked { get; set; }

    /// <summary>Whether it said that the request is being worked on: it is taken at its word once.</summary>
    public bool SaidWorking { get; set; }

    /// <summary>Whether it said that it cannot pass it on, or is gone.</summary>
    public bool HasFailed { get; set; }
}

/// <summary>
/// Soft state of one request at this hop, of another node or its own, until its reply or its deadline; all
/// attempts to pass it on have its one id. Reused.
/// </summary>
internal sealed class Pending
{
    /// <summary>More than fit into most deadlines; of more the oldest is forgotten.</summary>
    public const int AttemptsMax = 64;

    private readonly List<Attempt> _attempts = [];

    public ulong Id { get; set; }

    public PendingKind Kind { get; set; }

    /// <summary>Where it came from; null when it is this node's own.</summary>
    public Link? Previous { get; set; }

    /// <summary>What it is called there; 0 when no reply is expected.</summary>
    public ulong PreviousId { get; set; }

    /// <summary>Whether it came from a stranger (as it was then).</summary>
    public bool IsStrangers { get; set; }

    public OwnRequest? Own { get; set; }

    /// <summary>Whether it is for the overlay at its root, not for an application.</summary>
    public bool IsControl { get; set; }

    /// <summary>Whether an application that wants to see what passes has seen it.</summary>
    public bool IsDecided { get; set; }

    public TimeSpan BegunAt { get; set; }

    public TimeSpan Deadline { get; set; }

    public TimeSpan End { get; set; }

    /// <summary>The frame, to be passed on once more, in a pooled buffer; null for none.</summary>
    public byte[]? Frame { get; set; }

    public int FrameBytes { get; set; }

    /// <summary>What it waits for when it was delivered here.</summary>
    public Delivery? Delivery { get; set; }

    /// <summary>Its place among the entries by their deadlines; -1 when it is not in the table.</summary>
    public int Place { get; set; } = -1;

    /// <summary>Of two that are due at once the one that was set first comes first.</summary>
    public long Order { get; set; }

    /// <summary>The hops that it was passed to, the last one last.</summary>
    public Span<Attempt> Attempts => CollectionsMarshal.AsSpan(_attempts);

    public ref Attempt Newest => ref Attempts[^1];

    public bool WaitsForSome => _attempts.Exists(attempt => !attempt.HasFailed);

    public RouteHeader Read(out ReadOnlyMemory<byte> payload)
    {
        RoutedFrame.TryReadRoute(Frame.AsMemory(0, FrameBytes), out RouteHeader header, out payload);
        return header;
    }

    /// <summary>It is passed to a peer now, perhaps again.</summary>
    public void NoteAttempt(TimeSpan now, Peer next)
    {
        int at = IndexOf(next.Id);
        TimeSpan since = WaitsFor(next) ? _attempts[at].SentAt : now;
        bool saidWorking = at >= 0 && _attempts[at].SaidWorking;
        if (at >= 0 || _attempts.Count == AttemptsMax)
        {
            _attempts.RemoveAt(Math.Max(at, 0));
        }

        _attempts.Add(new Attempt
        {
            Next = next,
            SentAt = since,
            LastAt = now,
            SaidWorking = saidWorking,
            IsTried = true,
        });
    }

    /// <summary>The attempt at a peer while it has been connected; false when there was none.</summary>
    public bool TryGet(Peer peer, out Attempt attempt)
    {
        int at = IndexOf(peer.Id);
        attempt = at >= 0 ? _attempts[at] : default;
        return attempt.Next == peer;
    }

    public bool WaitsFor(Peer peer) => TryGet(peer, out Attempt attempt) && !attempt.HasFailed;

    /// <summary>Whether it waits for that peer, to which it was passed last.</summary>
    public bool IsNewest(Peer peer) =>
        Kind == PendingKind.Sent && _attempts.Count > 0 && Newest.Next == peer;

    /// <summary>Whether a node gets it again only when all others had it.</summary>
    public bool WasTried(Key node) => IndexOf(node) is >= 0 and int at && _attempts[at].IsTried;

    /// <summary>All had it: they may get it again.</summary>
    public void BeginRound()
    {
        foreach (ref Attempt attempt in Attempts)
        {
            attempt.IsTried = false;
        }
    }

    /// <summary>That hop does not answer any more.</summary>
    public void NoteFailed(Peer peer)
    {
        if (IndexOf(peer.Id) is >= 0 and int at)
        {
            Attempts[at].HasFailed = true;
        }
    }

    /// <summary>That hop says that it is being worked on; false when it has said so before.</summary>
    public bool NoteWorking(Peer peer)
    {
        int at = IndexOf(peer.Id);
        bool isNews = at >= 0 && !_attempts[at].SaidWorking;
        if (isNews)
        {
            Attempts[at].SaidWorking = true;
        }

        return isNews;
    }

    /// <summary>What the attempts may bring still means nothing.</summary>
    public void ForgetAttempts() => _attempts.Clear();

    private int IndexOf(Key peer)
    {
        for (int i = 0; i < _attempts.Count; i++)
        {
            if (_attempts[i].Next.Id == peer)
            {
                return i;
            }
        }

        return -1;
    }
}
