using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Finds peers that died without a word. A closed connection is seen at once elsewhere; this is for hosts
/// that vanish. Any frame is a sign of life; only a quiet peer is probed, a neighbour sooner than another.
/// </summary>
internal sealed class FailureDetection(NodeContext context, Handshake handshake)
{
    /// <summary>Peers that are not neighbours are probed this much less often.</summary>
    private const int DistantFactor = 4;

    public Func<Peer, bool> IsNeighbour { get; set; } = _ => false;

    public void Start(TimeSpan now) => ScheduleSweep(now);

    /// <summary>A probe was answered; returns the time that took.</summary>
    public static TimeSpan HandlePong(TimeSpan now, Peer peer, ulong sentAtTicks)
    {
        TimeSpan roundTrip = now - TimeSpan.FromTicks((long)Math.Min(sentAtTicks, (ulong)now.Ticks));
        if (roundTrip < TimeSpan.FromMinutes(1))
        {
            peer.NoteRoundTrip(roundTrip);
        }

        return roundTrip;
    }

    /// <summary>Asks a peer whether it lives; it is dead when it does not say so in time.</summary>
    public static void Probe(NodeContext context, TimeSpan now, Peer peer)
    {
        peer.ProbeSentAt = now;
        Ask(context, now, peer);
    }

    /// <summary>Sends a ping; the pong brings its time back, and the clock of the peer.</summary>
    public static void Ask(NodeContext context, TimeSpan now, Peer peer) =>
        context.Send(peer, new PingMessage((ulong)now.Ticks, context.WallClockMs(now)));

    private void ScheduleSweep(TimeSpan now) =>
        context.Timers.Schedule(now + context.Random.Jitter(context.Options.ProbeAfter / 5), later =>
        {
            foreach (Peer peer in context.Peers.Snapshot())
            {
                Check(later, peer);
            }

            ScheduleSweep(later);
        });

    private void Check(TimeSpan now, Peer peer)
    {
        if (peer.ProbeSentAt is { } sent)
        {
            if (now - sent > context.Options.ProbeTimeout)
            {
                handshake.HandleLinkDead(now, peer);
            }

            return;
        }

        TimeSpan quiet = IsNeighbour(peer)
            ? context.Options.ProbeAfter
            : context.Options.ProbeAfter * DistantFactor;
        if (now - peer.LastHeard > quiet)
        {
            Probe(context, now, peer);
        }
    }
}
