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
    NodeContext context, RingTable rings, FingerTable fingers, OpenLinks links) : Machine
{
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(5);

    /// <summary>Several changes that come together are told once.</summary>
    private static readonly TimeSpan TellAfter = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// A neighbour that nearer ones displaced is one again when those die. To keep the connection for minutes
    /// costs less than to make it anew.
    /// </summary>
    private static readonly TimeSpan UnneededFor = TimeSpan.FromMinutes(3);

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

    /// <summary>The peers that neither side needs, the one first that was needed longest ago.</summary>
    public IEnumerable<Peer> Unneeded => context.Peers.All
        .Where(p => !IsWanted(p) && !_uses[p].WantsUs)
        .OrderBy(p => _uses[p].UnwantedSince);

    /// <summary>
    /// The ring is found: connections to members that were opened to find it, and are good for nothing else,
    /// go.
    /// </summary>
    public void EndEntries(TimeSpan now)
    {
        foreach (Peer peer in context.Peers.Snapshot())
        {
            EndEntry(now, peer);
        }
    }

    /// <summary>The same for one peer.</summary>
    public void EndEntry(TimeSpan now, Peer peer)
    {
        if (peer.Link.IsOwnEntry && context.Peers.IsConnected(peer) && peer.Runs(ServiceId.Base)
            && !rings.IsBarred(peer) && !IsWanted(peer))
        {
            End(now, peer);
        }
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
            End(now, peer);
        }
    }

    private void End(TimeSpan now, Peer peer)
    {
        context.Send(
            peer, new GoodbyeMessage(GoodbyeReason.Unneeded, "neither of us needs this connection"));
        links.Drop(now, peer, DepartureReason.Displaced);
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
