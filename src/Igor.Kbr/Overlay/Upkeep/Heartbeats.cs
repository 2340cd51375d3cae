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
    private static readonly TimeSpan SoonAfterChange = TimeSpan.FromSeconds(1);

    private const int HeartbeatBytes = 24 + UpkeepBudget.FrameOverheadBytes;

    /// <summary>Spread of a period, so that heartbeats of many peers do not fall together.</summary>
    private const double Spread = 0.1;

    private readonly PeerTimes _dues = new(context.Peers);

    /// <summary>Whether each peer believes that this node needs it; it does after the hello.</summary>
    private readonly PerPeer<bool> _saidWanted = new(context.Peers, () => true);

    public override ReadOnlySpan<MessageType> Messages => [MessageType.Heartbeat];

    public override TimeSpan? NextDeadline => _dues.Earliest;

    public override void HandlePeerUp(TimeSpan now, Peer peer) => Await(now, peer);

    public override void HandleRingChanged(TimeSpan now, ServiceId service, NeighbourChange change)
    {
        if (!rings.TryGet(service, out ServiceRing? ring))
        {
            return;
        }

        foreach (Key id in ring.Terms.Adjacent)
        {
            Hasten(now, id);
        }

        foreach (Key id in change.Joined)
        {
            if (context.Peers.TryGet(id, out Peer? peer) && !_saidWanted[peer])
            {
                Hasten(now, id); // or it might end a connection that is needed again
            }
        }
    }

    public override void HandleDeadline(TimeSpan now)
    {
        while (_dues.TakeDue(now) is { } peer)
        {
            Send(now, peer);
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

    private void Send(TimeSpan now, Peer peer)
    {
        bool isWanted = care.IsWanted(peer);
        _saidWanted[peer] = isWanted;
        Await(now, peer);
        context.Budget.SpendGathered(now, HeartbeatBytes);
        context.Send(peer, new HeartbeatMessage(
            rings.Own.Version, rings.Pairs.Of(peer), context.WallClockMs(now), isWanted));
    }

    private void Await(TimeSpan now, Peer peer) => _dues[peer] = now + context.Random.Jitter(
        rings.Pairs.IsAdjacent(peer)
            ? context.Options.HeartbeatPeriod
            : context.Options.DistantHeartbeatPeriod,
        Spread);

    private void Hasten(TimeSpan now, Key id)
    {
        if (context.Peers.TryGet(id, out Peer? peer))
        {
            _dues.Hasten(peer, now + context.Random.Jitter(SoonAfterChange, 0.4));
        }
    }
}
