using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// Who may have a connection. First contacts would be everybody's hubs otherwise: from three quarters of its
/// links on a node is busy and takes only who would be its neighbour, or whom it dialled itself; the others
/// are told of members that may have room. When all links are taken the one that is needed least makes room
/// for one that is needed more, by this node's own view (<see cref="PeerUse"/>), so that a neighbour in the
/// ring of all always finds some. What only came to find a ring holds its place for a short time.
/// </summary>
internal sealed class LinkRoom(
    NodeContext context,
    RingTable rings,
    FingerTable fingers,
    OpenLinks links,
    LinkCare care,
    Liveness liveness)
{
    private const int OthersMax = 8;

    /// <summary>
    /// What only those know who dial (that they are clients, that they have chosen this node as their finger
    /// or found a meeting place in it) gets a quarter of the links each, or it could keep the ring out.
    /// </summary>
    private const int ClaimsPart = 4;

    /// <summary>Longer than it takes to find one's neighbours in a ring.</summary>
    private static readonly TimeSpan EntryTime = TimeSpan.FromSeconds(10);

    /// <summary>Whoever means it has come up by then: after three ways.</summary>
    private static readonly TimeSpan HelloTime = TimeSpan.FromSeconds(1);

    /// <summary>Each service beyond the first brings neighbours of its own.</summary>
    public int Max => context.Options.LinksMax + Math.Min(
        3 * context.Options.LinksMax,
        2 * context.Options.NeighboursPerSide * Math.Max(0, rings.All.Count(r => r.HasMember) - 2));

    /// <summary>Whether most links are taken, so that not everybody who comes is.</summary>
    public bool IsBusy => links.Count > Max - (Max / 4);

    /// <summary>
    /// A few links are left: half to those that have not said hello yet, half to second ones to a peer.
    /// </summary>
    private int PeersMax => Max - (Max / 16);

    /// <summary>
    /// Whether a link that was opened may say hello: there is room, or room is made. What the other end says
    /// with its hello is not known yet: only a few that have not said it take places of peers.
    /// </summary>
    public bool HasRoomFor(TimeSpan now, Link link)
    {
        if (links.Count <= (link.IsOutbound ? PeersMax : Max - (Max / 32)))
        {
            return true;
        }

        context.Peers.TryGet(link.PeerId, out Peer? known);
        PeerUse use = IsNear(link.PeerId) ? PeerUse.RingNeighbour
            : known is not null ? care.UseOf(known)
            : !link.IsOutbound ? PeerUse.None
            : link.Purpose switch
            {
                LinkPurpose.Neighbour => PeerUse.ServiceNeighbour,
                LinkPurpose.Finger => PeerUse.Finger,
                LinkPurpose.MeetingPlace => PeerUse.MeetingPlace,
                _ => PeerUse.ChosenBy,
            };
        bool mayDrop = link.IsOutbound || known is not null || links.CountMute() <= Max / 16;
        return TryEndMute(link, openedBefore: now - HelloTime)
            || (mayDrop
                && TryDrop(now, context.Peers.All.Where(p => p.Id != link.PeerId && care.UseOf(p) < use)))
            || (use != PeerUse.None && TryEndMute(link, openedBefore: now))
            || (known is not null && links.Count < Max);
    }

    /// <summary>
    /// Whether the other end may become a peer, now that it has said hello. Those that have not are not
    /// counted: they come and go.
    /// </summary>
    public bool MayBecomePeer(TimeSpan now, Link link, in HelloMessage hello)
    {
        if (link.IsOutbound)
        {
            return true;
        }

        bool hasShare = HasShare(link);
        if (link.Purpose == LinkPurpose.Client && !hasShare)
        {
            return TryDrop(now, Strangers(now).Where(p => !p.JoinsRing));
        }

        bool joinsRing = hello.JoinsRing;
        bool isFull = context.Peers.Count >= PeersMax;
        return hasShare && (IsNear(link.PeerId)
            ? !isFull || TryDrop(now, context.Peers.All.Where(p => care.UseOf(p) < PeerUse.RingNeighbour))
            : (!isFull && (!IsBusy || IsUseful(link)))
                || ((!isFull || IsUseful(link))
                    && TryDrop(now, Strangers(now).Where(p => joinsRing || !p.JoinsRing))));
    }

    /// <summary>Whether what the other end says that it dials for has a share of the links left.</summary>
    public bool HasShare(Link link) => link.IsOutbound
        || link.Purpose is LinkPurpose.Entry or LinkPurpose.Neighbour
        || (links.CountOfOthers(link.Purpose) <= Max / ClaimsPart
            && (link.Purpose != LinkPurpose.Finger || fingers.HasRoomFor(link.PeerId)));

    /// <summary>Members that a node may go to which found no room here, chosen at random.</summary>
    public ImmutableArray<Contact> Others(Key refused)
    {
        if (!rings.Base.IsActive)
        {
            return [];
        }

        Peer[] members = [.. rings.Base.Members.All.Where(m => m.Id != refused && !m.Addresses.IsEmpty)];
        context.Random.Shuffle(members);
        return [.. members.Take(OthersMax).Select(member => member.Contact)];
    }

    private bool IsUseful(Link link) => link.Purpose == LinkPurpose.MeetingPlace
        || (link.Purpose == LinkPurpose.Neighbour && rings.All.Any(r => IsNearIn(r, link.PeerId)));

    private bool IsNear(Key id) => IsNearIn(rings.Base, id);

    private bool IsNearIn(ServiceRing ring, Key id) =>
        ring.HasMember && ring.WouldBeNeighbour(id, context.Options.NeighboursPerSide);

    /// <summary>
    /// Ends the oldest link to which the other end has not come up, or connections that say nothing would
    /// keep the ring out.
    /// </summary>
    private bool TryEndMute(Link newcomer, TimeSpan openedBefore)
    {
        Link? mute = links.Find(
            l => l.Peer is null && !l.IsOutbound && l != newcomer && l.OpenedAt <= openedBefore);
        if (mute is not null)
        {
            links.Forget(mute);
        }

        return mute is not null;
    }

    /// <summary>
    /// Peers that this node has had for a while, and uses for nothing; but not those that meet others of
    /// their service here, who have their share, and would come back for it.
    /// </summary>
    private IEnumerable<Peer> Strangers(TimeSpan now) => context.Peers.All.Where(
        p => now - p.ConnectedAt > EntryTime && !care.IsWanted(p) && !IsMeetingHere(p));

    private bool IsMeetingHere(Peer peer) =>
        peer.Link is { IsOutbound: false, Purpose: LinkPurpose.MeetingPlace } && care.IsWantedBy(peer);

    /// <summary>
    /// Ends the connection that is needed least. Of those that are for nothing that is one which the peer
    /// does not need either, then one of a node that claims no part in the ring, then the one that was silent
    /// longest; of others one to a node that is a neighbour in few services, and the newest.
    /// </summary>
    private bool TryDrop(TimeSpan now, IEnumerable<Peer> candidates)
    {
        Peer? least = candidates.MinBy(p => (
            care.UseOf(p),
            care.IsWantedBy(p),
            p.JoinsRing,
            p.Standing,
            rings.PlacesOf(p),
            care.IsWanted(p) ? now - p.ConnectedAt : liveness.Health(p).HeardAt));
        if (least is not null)
        {
            links.End(now, least, "room is needed for others");
        }

        return least is not null;
    }
}
