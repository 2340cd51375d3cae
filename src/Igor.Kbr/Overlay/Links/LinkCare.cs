using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;

namespace Igor.Kbr.Overlay.Links;

/// <summary>What this node needs a peer for, whatever the peer says; the least needed comes first.</summary>
internal enum PeerUse
{
    None,

    /// <summary>
    /// It chose this node as its finger, and not this node it: messages go its way, but nothing else rests on
    /// it, since anybody can dial.
    /// </summary>
    ChosenBy,

    /// <summary>It is where members of a service find each other.</summary>
    MeetingPlace,

    /// <summary>It fills a slot of the finger table that this node has looked up.</summary>
    Finger,

    /// <summary>It is a neighbour in some service.</summary>
    ServiceNeighbour,

    /// <summary>It is a neighbour in the ring of all, without which nothing is routed right.</summary>
    RingNeighbour,
}

/// <summary>
/// What each peer is to this node, which the host is told, and whether its connection is worth keeping: what
/// neither side has needed for a while is closed; what either needs is told with heartbeats. To claim
/// membership costs nothing, so that a peer is a member only while this node uses it, as neighbour or as
/// finger that it looked up. One that it has dialled, or that chose it as finger, is less than that but no
/// stranger: strangers do not choose whom it dials, and the fingers of others have a bounded share of its
/// links.
/// </summary>
internal sealed class LinkCare(
    NodeContext context, RingTable rings, FingerTable fingers, OpenLinks links) : Machine
{
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(30);

    /// <summary>Several changes that come together are told once.</summary>
    private static readonly TimeSpan TellAfter = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// A neighbour that nearer ones displaced is one again when those die. To keep the connection for minutes
    /// costs less than to make it anew.
    /// </summary>
    private static readonly TimeSpan UnneededFor = TimeSpan.FromMinutes(3);

    private readonly PerPeer<Need> _needs = new(context.Peers, () => new Need { IsTheirs = true });
    private readonly Alarm _news = new(context.Timers, _ =>
        context.Raise(OverlayEventKind.PeersChanged, default, $"{context.Peers.Count} peers"));

    private bool _isActive;

    public override void Start(TimeSpan now) => context.Timers.Repeat(
        now,
        () => context.Random.Jitter(SweepPeriod),
        later => Array.ForEach(context.Peers.Snapshot(), peer => Check(later, peer)));

    public override void HandlePeerUp(TimeSpan now, Peer peer)
    {
        _needs[peer].NeededAt = now;
        Review(peer);
        _news.Set(now + TellAfter);
    }

    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason) =>
        _news.Set(now + TellAfter);

    public override void HandleServicesChanged(TimeSpan now, Peer peer, List<ServiceId> changed)
    {
        Review(peer);
        _news.Set(now + TellAfter);
    }

    /// <summary>Nodes became neighbours, or are none any more.</summary>
    public override void HandleRingChanged(TimeSpan now, ServiceId service, NeighbourChange change)
    {
        if (_isActive != rings.Base.IsActive)
        {
            _isActive = !_isActive; // who has no place in the ring has no fingers
            ReviewAll();
        }

        foreach (Key id in change.Joined.Concat(change.Departed.Select(departed => departed.Id)))
        {
            Review(id);
        }
    }

    /// <summary>What this node needs a peer for; one that joins no ring needs all that it has.</summary>
    public PeerUse UseOf(Peer peer)
    {
        if (rings.IsNeighbour(peer))
        {
            bool isOfAll = rings.Base.Neighbours.Contains(peer.Id);
            return isOfAll ? PeerUse.RingNeighbour : PeerUse.ServiceNeighbour;
        }

        bool isDialledFinger = fingers.IsFinger(peer) && peer.WasDialled;
        return isDialledFinger || !context.Options.JoinsRing ? PeerUse.Finger
            : rings.All.Any(ring => ring.MeetingPlace == peer.Id) ? PeerUse.MeetingPlace
            : fingers.IsFinger(peer) ? PeerUse.ChosenBy
            : PeerUse.None;
    }

    public bool IsWanted(Peer peer) => UseOf(peer) != PeerUse.None;

    /// <summary>Whether a peer needs this node; it does until it says otherwise.</summary>
    public bool IsWantedBy(Peer peer) => _needs[peer].IsTheirs;

    public void HandleSaid(Peer peer, bool isWanted) => _needs[peer].IsTheirs = isWanted;

    public void ReviewAll() => context.Peers.All.ForEach(Review);

    /// <summary>The same as the other, for a node that may be connected.</summary>
    public void Review(Key? id)
    {
        if (id is { } known && context.Peers.TryGet(known, out Peer? peer))
        {
            Review(peer);
        }
    }

    public void Review(Peer peer)
    {
        bool claimsRing = peer.JoinsRing && !peer.Addresses.IsEmpty && peer.Runs(ServiceId.Base);
        PeerUse use = UseOf(peer);
        PeerStanding standing = !claimsRing ? PeerStanding.Stranger
            : use >= PeerUse.Finger ? PeerStanding.Member
            : use >= PeerUse.ChosenBy || peer.WasDialled ? PeerStanding.Reached
            : PeerStanding.Stranger;
        if (peer.Standing != standing)
        {
            peer.Standing = standing;
            Tell(peer.Link, peer);
        }
    }

    /// <summary>A link leads to the peer, beside another one or in place of it.</summary>
    public void Tell(Link link, Peer peer) => context.Output.SetStanding(link.Id, peer.Standing);

    /// <summary>The ring is found: connections that were for that, and nothing else, go.</summary>
    public void EndEntries(TimeSpan now) =>
        Array.ForEach(context.Peers.Snapshot(), peer => EndEntry(now, peer));

    public void EndEntry(TimeSpan now, Peer peer)
    {
        if (peer.Link.IsOwnEntry && context.Peers.IsConnected(peer) && peer.Runs(ServiceId.Base)
            && !rings.IsBarred(peer) && !IsWanted(peer))
        {
            links.End(now, peer, "neither of us needs this connection");
        }
    }

    private void Check(TimeSpan now, Peer peer)
    {
        ref Need need = ref _needs[peer];
        if (need.IsTheirs || IsWanted(peer))
        {
            need.NeededAt = now;
        }
        else if (now - need.NeededAt > UnneededFor)
        {
            links.End(now, peer, "neither of us needs this connection");
        }
    }

    private struct Need
    {
        public bool IsTheirs { get; set; }

        public TimeSpan NeededAt { get; set; }
    }
}
