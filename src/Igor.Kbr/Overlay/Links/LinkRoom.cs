using System.Collections.Immutable;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// Who may have a connection. First contacts would be everybody's hubs otherwise: from three quarters of its
/// links on a node is busy and takes only who would be its neighbour, or whom it dialled itself; the others
/// are told of members that may have room. When all links are taken the least useful one makes room for a
/// neighbour. What only came to find a ring holds its place for a short time.
/// </summary>
internal sealed class LinkRoom(
    NodeContext context,
    RingTable rings,
    FingerTable fingers,
    OpenLinks links,
    LinkCare care,
    Liveness liveness)
{
    /// <summary>Members that a refused node is told of.</summary>
    private const int OthersMax = 8;

    /// <summary>Clients have a quarter of the links, or they could keep the ring out.</summary>
    private const int ClientsPart = 4;

    /// <summary>Longer than it takes to find one's neighbours in a ring.</summary>
    private static readonly TimeSpan EntryTime = TimeSpan.FromSeconds(10);

    private int Max => context.Options.LinksMax;

    /// <summary>Whether most links are taken, so that not everybody who comes is.</summary>
    public bool IsBusy => links.Count > Max - (Max / 4);

    /// <summary>A few links are left to those that are being refused, and to second ones to a peer.</summary>
    private bool IsFull => links.Count > Max - (Max / 16);

    /// <summary>
    /// Whether a link that was opened may say hello: there is room for it, or room is made.
    /// </summary>
    public bool HasRoomFor(TimeSpan now, Link link)
    {
        if (!IsFull || TryEndSecond())
        {
            return true;
        }

        bool isKnown = context.Peers.Contains(link.PeerId);
        bool displaces = isKnown || link.IsOutbound || IsNear(link.PeerId);
        return displaces && (TryMakeRoom(now, link.PeerId) || isKnown);
    }

    /// <summary>Whether the other end may become a peer, now that it has said hello.</summary>
    public bool MayBecomePeer(TimeSpan now, Link link, in HelloMessage hello)
    {
        if (link.IsOutbound)
        {
            return true;
        }

        if (link.Purpose == LinkPurpose.Client && links.CountOf(LinkPurpose.Client) > Max / ClientsPart)
        {
            return TryDrop(now, Strangers.Where(p => !p.JoinsRing && IsStale(now, p)));
        }

        bool joinsRing = hello.JoinsRing;
        return (hello.Purpose != LinkPurpose.Finger || fingers.HasRoomFor(link.PeerId))
            && (!IsBusy || IsUseful(link, hello)
                || TryDrop(now, Strangers.Where(p => IsStale(now, p) && (joinsRing || !p.JoinsRing))));
    }

    /// <summary>Members that a node may go to which found no room here, chosen at random.</summary>
    public ImmutableArray<Contact> Others(Key refused)
    {
        if (!rings.TryGet(ServiceId.Base, out ServiceRing? ring) || !ring.IsActive)
        {
            return [];
        }

        var members = new List<Peer>();
        foreach (Peer member in ring.Members)
        {
            if (member.Id != refused && !member.Addresses.IsEmpty)
            {
                members.Add(member);
            }
        }

        var others = ImmutableArray.CreateBuilder<Contact>(OthersMax);
        for (int left = members.Count; left > 0 && others.Count < OthersMax; left--)
        {
            int chosen = context.Random.Next(left);
            others.Add(members[chosen].Contact);
            members[chosen] = members[left - 1];
        }

        return others.ToImmutable();
    }

    private bool IsUseful(Link link, in HelloMessage hello) =>
        hello.JoinsRing && (hello.Purpose == LinkPurpose.MeetingPlace
            || IsNear(link.PeerId)
            || (hello.Purpose == LinkPurpose.Neighbour && rings.All.Any(r => IsNearIn(r, link.PeerId))));

    private bool IsNear(Key id) => rings.TryGet(ServiceId.Base, out ServiceRing? ring) && IsNearIn(ring, id);

    private bool IsNearIn(ServiceRing ring, Key id) =>
        ring.HasMember && ring.WouldBeNeighbour(id, context.Options.NeighboursPerSide);

    private static bool IsStale(TimeSpan now, Peer peer) => now - peer.ConnectedAt > EntryTime;

    /// <summary>
    /// Peers that this node uses for nothing, the first to give way first: one that claims no part in the
    /// ring before one that does, and of those the one that was silent longest.
    /// </summary>
    private IEnumerable<Peer> Strangers => context.Options.JoinsRing
        ? context.Peers.All
            .Where(p => p.Standing != PeerStanding.Member && !fingers.IsFinger(p) && !rings.IsNeighbour(p))
            .OrderBy(p => p.JoinsRing)
            .ThenBy(p => p.Standing)
            .ThenBy(p => liveness.Health(p).HeardAt)
        : [];

    /// <summary>
    /// Ends the connection that neither side has needed for longest; else to a stranger; else to one of those
    /// who chose this node as their finger, since they find another.
    /// </summary>
    private bool TryMakeRoom(TimeSpan now, Key newcomer) => TryDrop(now, care.Unneeded
        .Concat(Strangers)
        .Concat(context.Peers.All
            .Where(p => fingers.IsFinger(p) && !p.WasDialled && !rings.IsNeighbour(p))
            .OrderByDescending(p => p.ConnectedAt))
        .Where(p => p.Id != newcomer));

    /// <summary>
    /// Ends a second link to some peer before its time; what was on its way on it is the peer's to say again.
    /// </summary>
    private bool TryEndSecond()
    {
        Link? second = links.Find(
            link => link is { IsDraining: true, Peer: { } peer } && liveness.Health(peer).AskedAt is null);
        if (second is not null)
        {
            links.Forget(second);
        }

        return second is not null;
    }

    private bool TryDrop(TimeSpan now, IEnumerable<Peer> candidates)
    {
        if (candidates.FirstOrDefault() is not { } spare)
        {
            return false;
        }

        context.Send(spare, new GoodbyeMessage(GoodbyeReason.Unneeded, "room is needed for others"));
        links.Drop(now, spare, DepartureReason.Displaced);
        return true;
    }
}
