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

    /// <summary>Ids whose deviation was logged and is not again so soon; the oldest go first.</summary>
    private const int ToldMax = 64;

    /// <summary>Peers asked in one step.</summary>
    private const int AskedAtOnceMax = 8;

    /// <summary>A larger change of our own clock between two readings is a step, not drift.</summary>
    private const long StepMs = 1_000;

    private static readonly TimeSpan StepPeriod = TimeSpan.FromSeconds(2);

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

    /// <summary>A deviation that lasts is logged again after this time.</summary>
    private static readonly TimeSpan TellPeriod = TimeSpan.FromMinutes(10);

    /// <summary>An exact sample that no heartbeat bore out for so long is taken anew.</summary>
    private readonly TimeSpan _sampleLife = context.Options.DistantHeartbeatPeriod * 1.5;

    /// <summary>A sample that could not be renewed for so long has no vote.</summary>
    private readonly TimeSpan _voteLife = context.Options.DistantHeartbeatPeriod * 2;

    private readonly PerPeer<PeerClock> _clocks = new(context.Peers, () => new PeerClock());
    private readonly Dictionary<Key, TimeSpan> _told = [];
    private long[] _votes = [];
    private TimeSpan _steppedAt;
    private TimeSpan _uncontestedSince;
    private bool _asksAll;
    private long? _heldMs;
    private int _agreeing;

    /// <summary>How to tell the time.</summary>
    public CorrectedClock Clock { get; private set; } = CorrectedClock.Unknown;

    public override void Start(TimeSpan now)
    {
        _uncontestedSince = now;
        context.Timers.Repeat(now, () => context.Random.Jitter(StepPeriod), later =>
        {
            Judge(later);
            Ask(later);
            Tell(later);
        });
    }

    /// <summary>Whoever is a neighbour now, or none any more, has a vote or lost it.</summary>
    public override void HandleRingChanged(TimeSpan now, ServiceId service, NeighbourChange change) =>
        Judge(now);

    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason) => Judge(now);

    /// <summary>A peer told its clock, unasked or in answer to a question.</summary>
    public void HandleSign(TimeSpan now, Peer peer, in SignOfLife sign)
    {
        if (sign.AskedAt is { } askedAt)
        {
            HandleAnswer(now, peer, now - askedAt, sign.WallClockMs);
            return;
        }

        TimeSpan? roundTrip = liveness.RoundTrip(peer);
        Hear(now, peer, sign.WallClockMs, roundTrip < ExactWithin ? roundTrip.Value : default);
    }

    /// <summary>The host read its wall clock.</summary>
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
            _asksAll = true;
            Judge(now);
        }
    }

    /// <summary>A peer told its clock in answer to a question.</summary>
    private void HandleAnswer(TimeSpan now, Peer peer, TimeSpan roundTrip, long unixMs)
    {
        bool isExact = roundTrip >= TimeSpan.Zero && roundTrip <= ExactWithin;
        if (isExact && TryAtZero(now, unixMs, roundTrip, out long atZero))
        {
            _clocks[peer].Measure(now, atZero);
            JudgeBy(now, peer);
        }
        else
        {
            Hear(now, peer, unixMs, ExactWithin);
        }
    }

    /// <summary>What is wrong with the clocks of this host and of its peers; often nothing.</summary>
    public IReadOnlyList<string> Troubles()
    {
        string[] all = [.. Deviations().Select(deviation => deviation.Text)];
        return all.Length <= NamedMax
            ? all
            : [.. all[..NamedMax], $"The clocks of {all.Length - NamedMax} more peers are off."];
    }

    private static long Ms(TimeSpan time) => time.Ticks / TimeSpan.TicksPerMillisecond;

    private static bool IsOff(long clock, long time) =>
        Math.Abs(clock - time) > ClockConsensus.AgreeWithinMs;

    private static bool TryAtZero(TimeSpan now, long unixMs, TimeSpan roundTrip, out long atZeroMs)
    {
        atZeroMs = unixMs + Ms(roundTrip / 2) - Ms(now);
        return unixMs is > 0 and <= WireLimits.UnixMsMax;
    }

    private long TimeAtZero(long own) => Clock.UnixMsAtZero ?? own;

    private void Hear(TimeSpan now, Peer peer, long unixMs, TimeSpan roundTrip)
    {
        if (TryAtZero(now, unixMs, roundTrip, out long atZero) && _clocks[peer].Hear(now, atZero, StepMs))
        {
            JudgeBy(now, peer);
        }
    }

    private void JudgeBy(TimeSpan now, Peer peer)
    {
        if (HasVote(peer))
        {
            Judge(now);
        }
    }

    /// <summary>Whether a peer is a member that this node uses.</summary>
    private static bool HasVote(Peer peer) => peer.Standing == PeerStanding.Member;

    private bool IsFresh(TimeSpan now, PeerClock clock) =>
        now - clock.SampledAt <= _voteLife
        && (clock.SampledAt >= _steppedAt || now - _steppedAt <= VoteLifeAfterStep);

    private ReadOnlySpan<long> Votes(TimeSpan now)
    {
        if (_votes.Length < context.Peers.Count)
        {
            _votes = new long[context.Peers.Count * 2];
        }

        int count = 0;
        foreach (Peer peer in context.Peers.All)
        {
            if (HasVote(peer) && _clocks[peer] is { AtZeroMs: { } atZero } clock && IsFresh(now, clock))
            {
                _votes[count++] = atZero;
            }
        }

        return _votes.AsSpan(0, count);
    }

    /// <summary>How many of some clocks are off.</summary>
    private static int CountOff(ReadOnlySpan<long> clocks, long time)
    {
        int count = 0;
        foreach (long clock in clocks)
        {
            count += IsOff(clock, time) ? 1 : 0;
        }

        return count;
    }

    /// <summary>Finds the time to go by.</summary>
    private void Judge(TimeSpan now)
    {
        if (context.WallAtZeroMs is not { } own)
        {
            return;
        }

        // A host whose clock was found wrong, and has not been touched since, keeps the time that it learned.
        ReadOnlySpan<long> votes = Votes(now);
        ClockVerdict verdict = ClockConsensus.Judge(_heldMs ?? own, votes);
        int off = CountOff(votes, verdict.TimeMs);
        _agreeing = votes.Length - off;
        if (verdict.IsAgreed && now - _steppedAt > VoteLifeAfterStep)
        {
            _heldMs = IsOff(own, verdict.TimeMs) ? verdict.TimeMs : null;
        }

        long time = verdict.TimeMs;
        bool isContested = !verdict.IsAgreed && off > 0;
        if (isContested)
        {
            _uncontestedSince = now;
        }

        bool isTrusted = verdict.IsAgreed || _heldMs is not null || votes.Length > 0
            || now - _uncontestedSince >= UncontestedFor;
        long? corrected = verdict.IsAgreed || _heldMs is not null ? time : null;
        isTrusted &= !isContested;
        if (corrected != Clock.UnixMsAtZero || isTrusted != Clock.IsTrusted)
        {
            Clock = new CorrectedClock(corrected, isTrusted);
        }
    }

    /// <summary>
    /// Asks those members whose clock shows another time than that to go by and is not known exactly, or not
    /// any more. One that agrees is as good as any.
    /// </summary>
    private void Ask(TimeSpan now)
    {
        int asked = 0;
        long? time = context.WallAtZeroMs is { } own ? TimeAtZero(own) : null;
        foreach (Peer peer in context.Peers.All)
        {
            if (asked == AskedAtOnceMax && !_asksAll)
            {
                return;
            }

            if (!HasVote(peer))
            {
                continue;
            }

            PeerClock clock = _clocks[peer];
            bool agrees = clock.AtZeroMs is { } atZero && Math.Abs(atZero - (time ?? atZero)) <= StepMs;
            bool isDue = _asksAll || now - clock.SampledAt > _sampleLife
                || (clock.IsExact ? clock.IsInDoubt : !agrees);
            if (isDue && !(clock.AskedAt is { } at && now - at < AskPeriod && !_asksAll))
            {
                asked++;
                clock.AskedAt = now;
                liveness.Ping(now, peer);
            }
        }

        _asksAll = false;
    }

    /// <summary>Reports what deviates, once in a while.</summary>
    private void Tell(TimeSpan now)
    {
        foreach ((Key id, string text) in Deviations())
        {
            TellOf(now, id, text);
        }
    }

    /// <summary>Whose clocks are off, this host's first, and how.</summary>
    private IEnumerable<(Key Id, string Text)> Deviations()
    {
        if (context.WallAtZeroMs is not { } own)
        {
            yield break;
        }

        long time = TimeAtZero(own);
        if (IsOff(own, time))
        {
            yield return (context.Id, ClockText.OwnIsWrong(own - time, _agreeing));
        }

        foreach (Peer peer in context.Peers.All)
        {
            if (DeviationOf(peer, time) is { } text)
            {
                yield return (peer.Id, text);
            }
        }
    }

    private void TellOf(TimeSpan now, Key id, string text)
    {
        if (_told.TryGetValue(id, out TimeSpan at) && now - at < TellPeriod)
        {
            return;
        }

        if (!_told.ContainsKey(id) && _told.Count >= ToldMax)
        {
            _told.Remove(_told.MinBy(told => (told.Value, told.Key)).Key);
        }

        _told[id] = now;
        context.Raise(OverlayEventKind.ClockDeviates, id, text);
    }

    /// <summary>What a member's clock does wrong; null when it is right, or not known well enough.</summary>
    private string? DeviationOf(Peer peer, long time)
    {
        if (_clocks[peer] is not { IsExact: true, AtZeroMs: { } atZero }
            || !IsOff(atZero, time) || !HasVote(peer))
        {
            return null;
        }

        string address = peer.Addresses[0];
        return Clock.UnixMsAtZero is null
            ? ClockText.OneIsWrong(peer.Id, address, atZero - time)
            : ClockText.PeerIsWrong(peer.Id, address, atZero - time);
    }
}
