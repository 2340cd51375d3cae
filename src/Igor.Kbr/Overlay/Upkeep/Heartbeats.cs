using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Sends each peer a heartbeat with its period, one for all rings that are shared, and compares what peers
/// send with what this node knows: services by their version, neighbour sets by a digest, clocks by what they
/// show. Who stands next to this node in a ring gets one often, and soon after that ring changed; others
/// seldom.
/// </summary>
internal sealed class Heartbeats(
    NodeContext context,
    RingTable rings,
    LinkCare care,
    ServiceNews services,
    NeighbourExchange exchange) : TimedMachine
{
    /// <summary>After a change others have a moment to see it too: until then digests differ.</summary>
    private static readonly TimeSpan SoonAfterChange = TimeSpan.FromMilliseconds(400);

    private const int HeartbeatBytes = 24 + UpkeepBudget.FrameOverheadBytes;

    private readonly PerPeer<Beat> _beats = new(context.Peers, () => new Beat());
    private TimeSpan _nextAt = TimeSpan.MaxValue;

    public override ReadOnlySpan<MessageType> Messages => [MessageType.Heartbeat];

    public override TimeSpan? NextDeadline => _nextAt == TimeSpan.MaxValue ? null : _nextAt;

    public override void HandlePeerUp(TimeSpan now, Peer peer)
    {
        // The hello was as good as one.
        Beat beat = _beats[peer];
        beat.Time.HandleSent(now, PeriodOf(peer), context.Random);
        beat.SaidWanted = true;
        Await(beat);
    }

    public override void HandleRingChanged(TimeSpan now, ServiceId service, NeighbourChange change)
    {
        if (!rings.TryGet(service, out ServiceRing? ring))
        {
            return;
        }

        foreach (Key id in ring.Terms.Adjacent)
        {
            if (context.Peers.TryGet(id, out Peer? peer))
            {
                Beat beat = _beats[peer];
                beat.Time.Hasten(now + context.Random.Jitter(SoonAfterChange, 0.4));
                Await(beat);
            }
        }
    }

    public override void HandleDeadline(TimeSpan now)
    {
        if (now < _nextAt)
        {
            return;
        }

        try
        {
            foreach (Peer peer in context.Peers.All)
            {
                Beat beat = _beats[peer];
                bool isNewlyWanted = !beat.SaidWanted && care.IsWanted(peer);
                if (isNewlyWanted || now >= beat.Time.DueAt)
                {
                    Send(now, peer, beat);
                }
            }
        }
        finally
        {
            // Also after a fault of the host, or no heartbeat would ever be sent again.
            _nextAt = TimeSpan.MaxValue;
            context.Peers.All.ForEach(peer => Await(_beats[peer]));
        }
    }

    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        HeartbeatMessage heartbeat = frame.Read<HeartbeatMessage>();
        care.HandleSaid(peer, heartbeat.IsWanted);
        context.Machines.Sign(now, peer, new SignOfLife(null, heartbeat.WallClockMs));
        if (services.IsKnown(now, peer, heartbeat.ServicesVersion))
        {
            exchange.HandleDigest(now, peer, heartbeat.Digest);
        }
    }

    private void Send(TimeSpan now, Peer peer, Beat beat)
    {
        beat.SaidWanted = care.IsWanted(peer);
        beat.Time.HandleSent(now, PeriodOf(peer), context.Random);
        context.Budget.SpendGathered(now, HeartbeatBytes);
        context.Send(peer, new HeartbeatMessage(
            rings.Own.Version, rings.Pairs.Of(peer), context.WallClockMs(now), beat.SaidWanted));
    }

    private void Await(Beat beat) => _nextAt = beat.Time.DueAt < _nextAt ? beat.Time.DueAt : _nextAt;

    private TimeSpan PeriodOf(Peer peer) => rings.Pairs.IsAdjacent(peer)
        ? context.Options.HeartbeatPeriod
        : context.Options.DistantHeartbeatPeriod;

    private sealed class Beat
    {
        public HeartbeatTime Time = new();

        /// <summary>Whether the peer believes that this node needs it.</summary>
        public bool SaidWanted { get; set; }
    }
}
