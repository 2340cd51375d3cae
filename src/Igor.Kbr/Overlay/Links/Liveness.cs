using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// When each peer was last heard, whether it owes an answer, and how long an answer takes. Any frame is a
/// sign of life; a ping asks for one. What follows from silence is decided elsewhere.
/// </summary>
internal sealed class Liveness(NodeContext context) : Machine
{
    /// <summary>
    /// A peer that has not answered is asked once more after this time. One answer may be late, or read late
    /// when this process stood still; of two, one comes in time.
    /// </summary>
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(750);

    /// <summary>The ping may wait behind a large message, which is why nothing came.</summary>
    private readonly HealthLimits _doubt = new(
        TimeSpan.Zero, context.Options.ProbeTimeout * 1.25, Telling: null);

    private readonly PerPeer<State> _states = new(context.Peers, () => new State());

    private SmoothedTime _roundTripOfAll;

    public override ReadOnlySpan<MessageType> Messages => [MessageType.Ping, MessageType.Pong];

    public override void HandlePeerUp(TimeSpan now, Peer peer) => _states[peer].Hear(now);

    public PeerHealth Health(Peer peer) => _states[peer];

    /// <summary>When to look at each peer; it may have been heard since that was set.</summary>
    public PeerTimes Looks { get; } = new(context.Peers);

    /// <summary>
    /// When a peer that owes an answer will have let two pings lie for longer than it takes to answer, most
    /// of the time; null when it owes none.
    /// </summary>
    public TimeSpan? SilentAt(TimeSpan now, Peer peer)
    {
        State state = _states[peer];
        TimeSpan wait = AnswersWithin(peer) is { } most && most > AskAgainAfter ? most : AskAgainAfter;
        return state.Unanswered switch
        {
            0 => null,
            1 => Max(now, state.AskedLastAt + AskAgainAfter) + wait,
            _ => state.AskedLastAt + wait,
        };
    }

    public bool IsInDoubt(Peer peer) => _states[peer].IsInDoubt;

    /// <summary>The round-trip time, smoothed; null before the first sample.</summary>
    public TimeSpan? RoundTrip(Peer peer) => _states[peer].RoundTrip.Mean;

    /// <summary>
    /// In what time a peer answers a ping: mean + 4 x variation of its round-trip times, of all peers' before
    /// the first; null before any.
    /// </summary>
    public TimeSpan? AnswersWithin(Peer peer)
    {
        SmoothedTime time = RoundTrip(peer) is null ? _roundTripOfAll : _states[peer].RoundTrip;
        return time.Mean + (4 * time.Variation);
    }

    public void NoteRoundTrip(Peer peer, TimeSpan sample)
    {
        _states[peer].RoundTrip.Add(sample);
        _roundTripOfAll.Add(sample);
    }

    /// <summary>Something came from the peer; over another link it says nothing about the one used.</summary>
    public void NoteHeard(TimeSpan now, Peer peer, bool isOnUsed)
    {
        _states[peer].Unanswered = 0;
        if (isOnUsed)
        {
            _states[peer].Hear(now);
            _states[peer].IsInDoubt = false;
        }
    }

    /// <summary>
    /// Asks a peer whether it lives, unless it was asked and owes the answer: it is dead when it does not say
    /// so within the limits given, or those for its place in the rings.
    /// </summary>
    public void Probe(TimeSpan now, Peer peer, HealthLimits? limits = null)
    {
        Looks.Hasten(peer, now);
        if (_states[peer].TryAsk(now, limits))
        {
            Ask(now, peer);
        }
    }

    /// <summary>Asks a peer whether it lives, twice if need be.</summary>
    public void Ask(TimeSpan now, Peer peer)
    {
        State state = _states[peer];
        TimeSpan? since = state.AskedAt;
        if (Ping(now, peer)) // else there was no room, and nobody can owe an answer to it
        {
            state.AskedLastAt = now;
            state.Unanswered++;
        }

        if (state.Unanswered < 2)
        {
            context.Timers.Schedule(now + AskAgainAfter, later =>
            {
                if (context.Peers.IsConnected(peer) && state.AskedAt is { } asked && asked == since)
                {
                    Ask(later, peer);
                }
            });
        }
    }

    /// <summary>The same for a peer from which something should come soon.</summary>
    public void Expect(TimeSpan now, Peer peer) => Probe(now, peer, _doubt);

    /// <summary>The same for one that should have been heard: it is avoided until it is.</summary>
    public void Doubt(TimeSpan now, Peer peer)
    {
        Avoid(peer);
        Expect(now, peer);
    }

    /// <summary>The same for one that was asked already.</summary>
    public void Avoid(Peer peer) => _states[peer].IsInDoubt = true;

    /// <summary>Sends a ping; the pong brings its number back, and the clock of the peer.</summary>
    public bool Ping(TimeSpan now, Peer peer)
    {
        ulong nonce = context.Random.NextUInt64();
        _states[peer].Ping = (nonce, now);
        return context.Send(peer, new PingMessage(nonce, context.WallClockMs(now)));
    }

    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        if (frame.Type == MessageType.Ping)
        {
            PingMessage asked = frame.Read<PingMessage>();
            context.Send(link, new PongMessage(asked.Nonce, context.WallClockMs(now)));
            context.Machines.Sign(now, peer, new SignOfLife(null, asked.WallClockMs));
            return;
        }

        PongMessage pong = frame.Read<PongMessage>();
        State state = _states[peer];
        TimeSpan? askedAt = null;
        if (state.Ping is { } ping && ping.Nonce == pong.Nonce)
        {
            askedAt = ping.SentAt;
            state.Ping = null;
            NoteRoundTrip(peer, now - ping.SentAt);
        }

        context.Machines.Sign(now, peer, new SignOfLife(askedAt, pong.WallClockMs));
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private sealed class State : PeerHealth
    {
        /// <summary>
        /// The last ping that was not answered, by its random number: what answers another one measures
        /// nothing, or a peer could say unasked how near it is.
        /// </summary>
        public (ulong Nonce, TimeSpan SentAt)? Ping { get; set; }

        /// <summary>Pings, of two at most, that have not been answered since it was asked.</summary>
        public int Unanswered { get; set; }

        /// <summary>When the last of these was sent.</summary>
        public TimeSpan AskedLastAt { get; set; }

        public bool IsInDoubt { get; set; }

        public SmoothedTime RoundTrip;
    }
}
