using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Overlay.Addresses;

/// <summary>A peer that told where other nodes are.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Range">Where its connection comes from.</param>
/// <param name="IsTrusted">
/// Whether this node uses it as neighbour or finger, or has asked it: others may tell next to nothing.
/// </param>
/// <param name="WasAsked">Whether this node is looking for what it tells.</param>
internal readonly record struct Teller(Key Id, AddressRange Range, bool IsTrusted, bool WasAsked)
{
    public static Teller Unasked(Peer peer) => Unasked(peer.Link) with
    {
        IsTrusted = peer.Standing == PeerStanding.Member,
    };

    /// <summary>The other end of a link, a peer or not yet, that tells something unasked.</summary>
    public static Teller Unasked(Link link) => Asked(link) with
    {
        IsTrusted = link.IsOutbound || link.Peer is { Standing: PeerStanding.Member },
        WasAsked = false,
    };

    /// <summary>The other end of a link that this node opened, and that answers.</summary>
    public static Teller Asked(Link link) => new(
        link.PeerId, IpAddress.Classify(link.ProvenAddress).Range, IsTrusted: true, WasAsked: true);

    public static Teller Asked(Peer peer) => Asked(peer.Link);

    /// <summary>
    /// Whether it may tell of an address. An address of a private range means another host to each network,
    /// so that only who is in that network knows it; a process on this host could dial for itself.
    /// </summary>
    public bool MayTell(AddressRange told, bool dialPrivate) => told switch
    {
        AddressRange.Unusable => false,
        AddressRange.Public => true,
        _ => dialPrivate || told == Range || Range == AddressRange.Loopback,
    };
}
