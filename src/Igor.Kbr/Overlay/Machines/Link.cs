using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Machines;

/// <summary>One connection; several may lead to the same peer for a moment.</summary>
internal sealed class Link(
    LinkId id, Key peerId, bool isOutbound, LinkPurpose purpose, string remoteAddress)
{
    private const int OtherFieldsBytesMax = 1500; // a text for people at its longest

    public LinkId Id { get; } = id;

    public Key PeerId { get; } = peerId;

    public bool IsOutbound { get; } = isOutbound;

    /// <summary>What the end that dialled opened it for.</summary>
    public LinkPurpose Purpose { get; set; } = purpose;

    /// <summary>Whether this node opened it to find a ring, not a certain neighbour.</summary>
    public bool IsOwnEntry => IsOutbound && Purpose == LinkPurpose.Entry;

    public string RemoteAddress { get; } = remoteAddress;

    /// <summary>The other end as the connection shows it, whatever was dialled.</summary>
    public string ProvenAddress { get; init; } = remoteAddress;

    public TimeSpan OpenedAt { get; init; }

    /// <summary>The largest frame that the other end takes: what each does, until its accept says.</summary>
    public uint FrameBytesMax { get; set; } = WireLimits.FrameBytesLeast;

    /// <summary>As many of these, from the first, as fit into a frame beside whatever else it says.</summary>
    public ImmutableArray<Contact> Fitting(ImmutableArray<Contact> contacts)
    {
        long room = FrameBytesMax - OtherFieldsBytesMax;
        return [.. contacts.TakeWhile(contact => (room -= contact.SizeInBytes) >= 0)];
    }

    /// <summary>The peer, once both ends have accepted each other.</summary>
    public Peer? Peer { get; set; }

    public ulong ToldServicesVersion { get; set; }

    /// <summary>
    /// Whether the other end says that it is another run of a peer that is connected, which is being asked.
    /// What comes meanwhile is not looked at: the link will be closed.
    /// </summary>
    public bool IsContested { get; set; }

    /// <summary>A second link to the same peer that nothing more is sent on.</summary>
    public bool IsDraining { get; set; }
}
