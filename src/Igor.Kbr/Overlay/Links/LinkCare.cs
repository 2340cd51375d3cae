using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// Which connections are worth keeping: those that either side needs as neighbour or finger. Closes
/// what neither has needed for a while; what either needs is told with heartbeats.
/// </summary>
internal sealed class LinkCare(
    NodeContext context, RingTable rings, FingerTable fingers, OpenLinks links, Liveness liveness) : Machine
{
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(5);

    /// <summary>Several changes that come together are told once.</summary>
    private static readonly TimeSpan TellAfter = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan UnneededFor = TimeSpan.FromSeconds(30);

    private readonly PerPeer<Use> _uses = new(context.Peers, () => new Use { WantsUs = true });
    private bool _isTelling;

    public override void Start(TimeSpan now) =>
        context.Timers.Repeat(now, () => context.Random.Jitter(SweepPeriod), later =>
        {
            foreach (Peer peer in context.Peers.Snapshot())
            {
                Check(later, peer);
            }
        });

    public override void HandlePeerUp(TimeSpan now, Peer peer)
    {
        _uses[peer].UnwantedSince = now;
        TellChange(now);
    }

    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason) => TellChange(now);

    public override void HandleServicesChanged(
        TimeSpan now, Peer peer, List<ServiceId> changed) => TellChange(now);

    /// <summary>Whether this node needs a peer, as neighbour, finger or meeting place.</summary>
    public bool IsWanted(Peer peer) => !context.Options.JoinsRing || fingers.IsFinger(peer)
        || rings.IsNeighbour(peer) || IsMeetingPlace(peer);

    /// <summary>A peer said whether it needs this node.</summary>
    public void HandleSaid(Peer peer, bool isWanted) => _uses[peer].WantsUs = isWanted;

    /// <summary>
    /// A full node gives up the connection that neither side has needed for longest: everybody's first
    /// contact would be closed to newcomers otherwise. Where there is none, a stranger gives way, or clients
    /// could fill a node until its ring breaks there: one that claims no part in the ring before one that
    /// does, and of those the one that was silent longest. Never the newcomer for being new, since it shows
    /// what it is only later; but a client takes no place of one that may be in the ring.
    /// </summary>
    public bool TryMakeRoom(TimeSpan now, Link link, HelloMessage hello)
    {
        bool isClient = !hello.JoinsRing && !link.IsOutbound;
        Peer? spare = context.Peers.All
                .Where(p => !IsWanted(p) && !_uses[p].WantsUs)
                .MinBy(p => _uses[p].UnwantedSince)
            ?? context.Peers.All
                .Where(p => p.Standing != PeerStanding.Member)
                .Where(p => !fingers.IsFinger(p) && !rings.IsNeighbour(p))
                .Where(p => context.Options.JoinsRing && !(isClient && p.JoinsRing))
                .OrderBy(p => p.JoinsRing)
                .ThenBy(p => p.Standing)
                .ThenBy(p => liveness.Health(p).HeardAt)
                .FirstOrDefault();
        if (spare is null)
        {
            return false;
        }

        context.Send(spare.Link, new GoodbyeMessage(GoodbyeReason.Unneeded, "room is needed for others"));
        links.Drop(now, spare, DepartureReason.Displaced);
        return true;
    }

    private void TellChange(TimeSpan now)
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
    }

    private void Check(TimeSpan now, Peer peer)
    {
        ref Use use = ref _uses[peer];
        if (use.WantsUs || IsWanted(peer))
        {
            use.UnwantedSince = now;
        }
        else if (now - use.UnwantedSince > UnneededFor)
        {
            context.Send(
                peer, new GoodbyeMessage(GoodbyeReason.Unneeded, "neither of us needs this connection"));
            links.Drop(now, peer, DepartureReason.Displaced);
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

    private struct Use
    {
        /// <summary>Whether the peer said that it needs this node; it does until it says otherwise.</summary>
        public bool WantsUs { get; set; }

        public TimeSpan UnwantedSince { get; set; }
    }
}
