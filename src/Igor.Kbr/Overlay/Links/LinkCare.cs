using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire.Messages;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// Which connections are worth keeping: those that either side needs as neighbour or finger. Tells a peer
/// when this node does not need it, and closes what neither has needed for a while.
/// </summary>
internal sealed class LinkCare(NodeContext context, RingTable rings, Handshake handshake)
{
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(5);

    /// <summary>Several changes that come together are told once.</summary>
    private static readonly TimeSpan TellAfter = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan UnneededFor = TimeSpan.FromSeconds(30);

    private readonly HashSet<Key> _toldUnwanted = [];
    private bool _isTelling;

    public void Start(TimeSpan now) => ScheduleSweep(now);

    public void HandlePeersChanged(TimeSpan now, Peer peer)
    {
        if (!_isTelling)
        {
            _isTelling = true;
            context.Timers.Schedule(now + TellAfter, _ =>
            {
                _isTelling = false;
                context.Raise(OverlayEventKind.PeersChanged, default, $"{context.Peers.Count} peers");
            });
        }

        if (!context.Peers.Contains(peer.Id))
        {
            _toldUnwanted.Remove(peer.Id);
        }
    }

    private void ScheduleSweep(TimeSpan now) =>
        context.Timers.Schedule(now + context.Random.Jitter(SweepPeriod), later =>
        {
            foreach (Peer peer in context.Peers.Snapshot())
            {
                Check(later, peer);
            }

            ScheduleSweep(later);
        });

    private void Check(TimeSpan now, Peer peer)
    {
        peer.IsWanted = !context.Options.JoinsRing || peer.IsFinger || rings.IsNeighbour(peer)
            || IsMeetingPlace(peer);
        if (peer.IsWanted != !_toldUnwanted.Contains(peer.Id))
        {
            Tell(peer);
        }

        if (peer.IsWanted || peer.WantsUs)
        {
            peer.UnwantedSince = now;
        }
        else if (now - peer.UnwantedSince > UnneededFor)
        {
            context.Send(
                peer, new GoodbyeMessage(GoodbyeReason.Unneeded, "neither of us needs this connection"));
            handshake.Drop(now, peer, DepartureReason.Displaced);
        }
    }

    private bool IsMeetingPlace(Peer peer)
    {
        foreach (ServiceRing ring in rings.All)
        {
            if (ring.MeetingPlace == peer.Id)
            {
                return true;
            }
        }

        return false;
    }

    private void Tell(Peer peer)
    {
        if (peer.IsWanted)
        {
            _toldUnwanted.Remove(peer.Id);
        }
        else
        {
            _toldUnwanted.Add(peer.Id);
        }

        context.Send(peer, new LinkUseMessage(peer.IsWanted));
    }
}
