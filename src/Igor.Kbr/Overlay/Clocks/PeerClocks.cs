using System.Runtime.InteropServices;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Clocks;

/// <summary>
/// Compares this host's wall clock with those of the members that this node uses, on messages that carry
/// their clocks, and finds the time to go by. Everything is kept relative to monotonic time: a step of our
/// own clock changes nothing of what is known of others, nor the corrected time. Strangers have no vote,
/// since identities cost nothing; a majority of hostile neighbours can still move the time.
/// </summary>
internal sealed class PeerClocks(NodeContext context, Liveness liveness) : Machine, IHearsSigns
{
    /// <summary>Deviations that are named in status; the rest is counted.</summary>
    private const int NamedMax = 8;

    /// <summary>A larger change of our own clock between two readings is a step, not drift.</summary>
    private const long StepMs = 1_000;

    /// <summary>What happens tells nearly all; this is for what only time brings.</summary>
    private static readonly TimeSpan CheckPeriod = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Samples from before a step of our own clock vote only so much longer: after a sleep of the machine, in
    /// which monotonic time stood still, it is they that are wrong. A peer that lives answers sooner.
    /// </summary>
    private static readonly TimeSpan VoteLifeAfterStep = TimeSpan.FromSeconds(10);

    /// <summary>A question that was answered later than this measured the queue, not the clock.</summary>
    private static readonly TimeSpan ExactWithin = TimeSpan.FromSeconds(1);

    /// <summary>The least time between two questions to one peer.</summary>
    private static readonly TimeSpan AskPeriod = TimeSpan.FromSeconds(5);

    /// <summary>How long nothing may speak against an own clock that nobody confirms.</summary>
    private static readonly TimeSpan UncontestedFor = TimeSpan.FromHours(1);

    /// <summary>By then the clocks of others, who may agree with either, are known too.</summary>
    private static readonly TimeSpan TellAfter = TimeSpan.FromSeconds(5);

    /// <summary>A deviation that lasts is logged again after this time.</summary>
    private static readonly TimeSpan TellPeriod = TimeSpan.FromMinutes(10);

    /// <summary>A clock that no heartbeat bore out for so long has no vote.</summary>
    private readonly TimeSpan _voteLife = context.Options.DistantHeartbeatPeriod * 2;

    private readonly PerPeer<PeerClock> _clocks = new(context.Peers, () => new PeerClock());
    private readonly List<long> _votes = [];
    private TimeSpan _tellOfOwnAt;
    private TimeSpan _steppedAt;
    private TimeSpan _uncontestedSince;
    private long? _heldMs;
    private int _agreeing;

    private Alarm News => field ??= new(context.Timers, Tell);

    public CorrectedClock Clock { get; private set; } = CorrectedClock.Unknown;

    /// <summary>What is wrong with the clocks of this host and of its peers; often nothing.</summary>
    public IReadOnlyList<string> Troubles()
    {
        List<string> all = OwnDeviation() is { } own ? [own] : [];
        all.AddRange(context.Peers.All.Select(DeviationOf).OfType<string>());
        return all.Count <= NamedMax
            ? all
            : [.. all[..NamedMax], $"The clocks of {all.Count - NamedMax} more peers are off."];
    }

    public override void Start(TimeSpan now)
    {
        _uncontestedSince = now;
        context.Timers.Repeat(now, () => context.Random.Jitter(CheckPeriod), Judge);
    }

    /// <summary>Whoever is a neighbour now, or none any more, has a vote or lost it.</summary>
    public override void HandleRingChanged(TimeSpan now, ServiceId service, NeighbourChange change) =>
        Judge(now);

    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason) => Judge(now);

    /// <summary>
    /// A peer told its clock. In answer to a question that is exact to half the time between them; what comes
    /// late or unasked may have waited anywhere, and looks like a clock that is slow: it bears out what is
    /// known exactly, or is a reason to ask.
    /// </summary>
    public void HandleSign(TimeSpan now, Peer peer, in SignOfLife sign)
    {
        if (sign.WallClockMs is <= 0 or > WireLimits.UnixMsMax)
        {
            return;
        }

        TimeSpan roundTrip =
            sign.AskedAt is { } askedAt ? now - askedAt : liveness.RoundTrip(peer) ?? default;
        bool isExact = sign.AskedAt is not null && roundTrip <= ExactWithin;
        long atZero = sign.WallClockMs - Ms(now) + Ms(roundTrip < ExactWithin ? roundTrip / 2 : default);
        PeerClock clock = _clocks[peer];
        bool isAsBefore = clock.AtZeroMs is { } before && Math.Abs(before - atZero) <= StepMs;
        if (!isExact && clock.IsExact)
        {
            if (isAsBefore)
            {
                clock.SampledAt = now;
            }
            else
            {
                Ask(now, peer);
            }

            return;
        }

        (clock.AtZeroMs, clock.SampledAt, clock.IsExact) = (atZero, now, isExact);
        if (HasVote(peer) && (isExact || !isAsBefore))
        {
            Judge(now);
        }
    }

    public void HandleWallClock(TimeSpan now, long unixMs)
    {
        long? before = context.WallAtZeroMs;
        long own = unixMs - Ms(now);
        context.WallAtZeroMs = own;
        if (before is { } known && Math.Abs(own - known) >= StepMs)
        {
            _steppedAt = now;
            _uncontestedSince = now;
            _heldMs = null;
            Judge(now);
            foreach (Peer peer in context.Peers.All.Where(HasVote))
            {
                _clocks[peer].AskAt = now;
                Ask(now, peer);
            }

            context.Timers.Schedule(now + VoteLifeAfterStep + TimeSpan.FromMilliseconds(1), Judge);
        }
    }

    private static long Ms(TimeSpan time) => time.Ticks / TimeSpan.TicksPerMillisecond;

    private static bool IsOff(long clock, long time) =>
        Math.Abs(clock - time) > ClockConsensus.AgreeWithinMs;

    /// <summary>Whether a peer is a member that this node uses.</summary>
    private static bool HasVote(Peer peer) => peer.Standing == PeerStanding.Member;

    private bool IsFresh(TimeSpan now, PeerClock clock) =>
        now - clock.SampledAt <= _voteLife
        && (clock.SampledAt >= _steppedAt || now - _steppedAt <= VoteLifeAfterStep);

    /// <summary>Asks a member for its clock, now or when it may be asked again.</summary>
    private void Ask(TimeSpan now, Peer peer)
    {
        PeerClock clock = _clocks[peer];
        if (!HasVote(peer) || clock.IsToBeAsked)
        {
            return;
        }

        if (now >= clock.AskAt)
        {
            clock.AskAt = now + AskPeriod;
            liveness.Ping(now, peer);
            return;
        }

        clock.IsToBeAsked = true;
        context.Timers.Schedule(clock.AskAt, later =>
        {
            clock.IsToBeAsked = false;
            if (context.Peers.IsConnected(peer))
            {
                Ask(later, peer);
            }
        });
    }

    private void Judge(TimeSpan now)
    {
        if (context.WallAtZeroMs is not { } own)
        {
            return;
        }

        _votes.Clear();
        foreach (Peer peer in context.Peers.All)
        {
            if (HasVote(peer) && _clocks[peer] is { AtZeroMs: { } atZero } clock && IsFresh(now, clock))
            {
                _votes.Add(atZero);
            }
        }

        // A host whose clock was found wrong, and has not been touched since, keeps the time that it learned.
        ClockVerdict verdict = ClockConsensus.Judge(_heldMs ?? own, CollectionsMarshal.AsSpan(_votes));
        _agreeing = _votes.Count(vote => !IsOff(vote, verdict.TimeMs));
        if (verdict.IsAgreed && now - _steppedAt > VoteLifeAfterStep)
        {
            _heldMs = IsOff(own, verdict.TimeMs) ? verdict.TimeMs : null;
        }

        bool isKnown = verdict.IsAgreed || _heldMs is not null;
        bool isContested = !verdict.IsAgreed && _agreeing < _votes.Count;
        _uncontestedSince = isContested ? now : _uncontestedSince;
        bool isTrusted = !isContested
            && (isKnown || _votes.Count > 0 || now - _uncontestedSince >= UncontestedFor);
        long? corrected = isKnown ? verdict.TimeMs : null;
        if (corrected != Clock.UnixMsAtZero || isTrusted != Clock.IsTrusted)
        {
            Clock = new CorrectedClock(corrected, isTrusted);
        }

        LookAtDeviating(now, corrected ?? own);
    }

    /// <summary>Asks those who may only seem to be off; of the others the host is told soon.</summary>
    private void LookAtDeviating(TimeSpan now, long time)
    {
        bool isAnyOff = OwnDeviation() is not null;
        foreach (Peer peer in context.Peers.All)
        {
            PeerClock clock = _clocks[peer];
            if (!clock.IsExact && clock.AtZeroMs is { } atZero && Math.Abs(atZero - time) > StepMs)
            {
                Ask(now, peer);
            }

            isAnyOff |= clock.IsExact && IsOff(clock.AtZeroMs!.Value, time);
        }

        if (isAnyOff)
        {
            News.Set(now + TellAfter);
        }
    }

    /// <summary>Tells the host whose clock is off, of each once in a while.</summary>
    private void Tell(TimeSpan now)
    {
        if (now >= _tellOfOwnAt && OwnDeviation() is { } own)
        {
            _tellOfOwnAt = now + TellPeriod;
            context.Raise(OverlayEventKind.ClockDeviates, context.Id, own);
        }

        foreach (Peer peer in context.Peers.All)
        {
            if (now >= _clocks[peer].TellAt && DeviationOf(peer) is { } text)
            {
                _clocks[peer].TellAt = now + TellPeriod;
                context.Raise(OverlayEventKind.ClockDeviates, peer.Id, text);
            }
        }
    }

    /// <summary>What this host's clock does wrong; null when it is right, as far as is known.</summary>
    private string? OwnDeviation() =>
        context.WallAtZeroMs is { } own && Clock.UnixMsAtZero is { } time && IsOff(own, time)
            ? ClockText.OwnIsWrong(own - time, _agreeing)
            : null;

    /// <summary>What a member's clock does wrong; null when it is right, or not known well enough.</summary>
    private string? DeviationOf(Peer peer)
    {
        if ((Clock.UnixMsAtZero ?? context.WallAtZeroMs) is not { } time || !HasVote(peer)
            || _clocks[peer] is not { IsExact: true, AtZeroMs: { } atZero } || !IsOff(atZero, time))
        {
            return null;
        }

        string address = peer.Addresses[0];
        return Clock.UnixMsAtZero is null
            ? ClockText.OneIsWrong(peer.Id, address, atZero - time)
            : ClockText.PeerIsWrong(peer.Id, address, atZero - time);
    }

    private sealed class PeerClock
    {
        /// <summary>
        /// What it showed when our monotonic time was zero, in milliseconds since 1970, which stays the same
        /// whatever our own wall clock does; null before the first sample.
        /// </summary>
        public long? AtZeroMs { get; set; }

        /// <summary>When that was learned, or borne out.</summary>
        public TimeSpan SampledAt { get; set; }

        /// <summary>Whether it stems from a question and its answer.</summary>
        public bool IsExact { get; set; }

        public TimeSpan AskAt { get; set; }

        public bool IsToBeAsked { get; set; }

        public TimeSpan TellAt { get; set; }
    }
}
