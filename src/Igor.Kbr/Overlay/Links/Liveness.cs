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
    private static readonly TimeSpan RoundTripMax = TimeSpan.FromMinutes(1);

    private readonly PerPeer<State> _states = new(context.Peers, () => new State());

    public override ReadOnlySpan<MessageType> Messages => [MessageType.Ping, MessageType.Pong];

    public override void HandlePeerUp(TimeSpan now, Peer peer) => _states[peer].LastHeard = now;

    /// <summary>When the last frame came.</summary>
    public TimeSpan LastHeard(Peer peer) => _states[peer].LastHeard;

    /// <summary>When a probe was sent that nothing has been heard since; null when there is none.</summary>
    public TimeSpan? ProbeSentAt(Peer peer) => _states[peer].ProbeSentAt;

    /// <summary>The round-trip time, smoothed; null before the first sample.</summary>
    public TimeSpan? RoundTrip(Peer peer) => _states[peer].RoundTrip.Mean;

    public void NoteRoundTrip(Peer peer, TimeSpan sample) => _states[peer].RoundTrip.Add(sample);

    /// <summary>Something came from the peer, over the link that is used.</summary>
    public void NoteHeard(TimeSpan now, Peer peer)
    {
        ref State state = ref _states[peer];
        state.LastHeard = now;
        state.ProbeSentAt = null;
        peer.IsLinkInDoubt = false;
    }

    /// <summary>Asks a peer whether it lives; it is dead when it does not say so in time.</summary>
    public void Probe(TimeSpan now, Peer peer)
    {
        _states[peer].ProbeSentAt = now;
        Ask(now, peer);
    }

    /// <summary>The same for a peer that should have been heard: it is avoided until it is.</summary>
    public void Doubt(TimeSpan now, Peer peer)
    {
        peer.IsLinkInDoubt = true;
        Probe(now, peer);
    }

    /// <summary>Sends a ping; the pong brings its time back, and the clock of the peer.</summary>
    public void Ask(TimeSpan now, Peer peer) =>
        context.Send(peer, new PingMessage((ulong)now.Ticks, context.WallClockMs(now)));

    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        if (frame.Type == MessageType.Ping)
        {
            PingMessage ping = frame.Read<PingMessage>();
            context.Send(link, new PongMessage(ping.Nonce, context.WallClockMs(now)));
            context.Machines.Sign(now, peer, new SignOfLife(null, ping.WallClockMs));
            return;
        }

        PongMessage pong = frame.Read<PongMessage>();
        var askedAt = TimeSpan.FromTicks((long)Math.Min(pong.Nonce, (ulong)now.Ticks));
        if (now - askedAt < RoundTripMax)
        {
            NoteRoundTrip(peer, now - askedAt);
        }

        context.Machines.Sign(now, peer, new SignOfLife(askedAt, pong.WallClockMs));
    }

    private struct State
    {
        public TimeSpan LastHeard { get; set; }

        public TimeSpan? ProbeSentAt { get; set; }

        public SmoothedTime RoundTrip;
    }
}
