namespace Igor.Kbr.Overlay.Machines;

/// <summary>Settings of an <see cref="OverlayNode"/>.</summary>
public sealed record OverlayOptions
{
    /// <summary>The network's name; peers of another network are refused. 1 to 64 characters.</summary>
    /// <value>Default: "igor".</value>
    public string Network { get; init; } = "igor";

    /// <summary>Addresses (host:port) where others can reach this node, told to peers; 0 to 4.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>Addresses (host:port) to join through; none given or known: it founds a ring.</summary>
    public IReadOnlyList<string> Bootstrap { get; init; } = [];

    /// <summary>
    /// Members known from an earlier run (<see cref="OverlayNode.KnownMembers"/>), tried like bootstrap
    /// addresses; at most 64 count.
    /// </summary>
    public IReadOnlyList<KnownMember> KnownMembers { get; init; } = [];

    /// <summary>
    /// Whether the node may found a ring although it was given somebody to join, or knows members, and
    /// reaches none of them. Otherwise it is alone then (<see cref="RingState.Alone"/>).
    /// </summary>
    /// <value>Default: false, since the others may well have a ring that it does not see.</value>
    public bool Found { get; init; }

    /// <summary>Neighbours kept on either side, per service. 1 to 32.</summary>
    /// <value>Default: 8, so that half of a neighbourhood may die at once and the ring still closes.</value>
    public int NeighboursPerSide { get; init; } = 8;

    /// <summary>Whether the node is part of the ring; a client only routes through peers.</summary>
    /// <value>Default: true.</value>
    public bool JoinsRing { get; init; } = true;

    /// <summary>
    /// Time between two heartbeats to the neighbours next to this node, before jitter; one that was not heard
    /// for a tenth longer is asked whether it lives. 0.1 s to 10 min.
    /// </summary>
    /// <value>Default: 5 s, so that a death that nothing tells of is known within 10 s.</value>
    public TimeSpan HeartbeatPeriod { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The same for all other peers. 0.1 s to 1 h.</summary>
    /// <value>Default: 2 min: of a death among them others tell, or a request that is late.</value>
    public TimeSpan DistantHeartbeatPeriod { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// What this node may spend to keep its rings up, in bytes a second over all: heartbeats, comparisons,
    /// lookups and the connections that it makes, at what they cost both sides. What the ring needs to hold
    /// together borrows from the next twenty minutes; fingers and meeting places wait. 200 to 1,000,000.
    /// </summary>
    /// <value>
    /// Default: 400, some times what a quiet ring takes. Where nodes stay for two minutes, neighbours take
    /// nearly all of it, and a node has half of its fingers.
    /// </value>
    public int UpkeepBytesPerSecond { get; init; } = 400;

    /// <summary>Time between two checks of the fingers, before jitter. 1 s to 1 h.</summary>
    /// <value>Default: 20 s.</value>
    public TimeSpan FingerPeriod { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>A peer that leaves a probe unanswered for this long is dead. 1.5 s to 10 min.</summary>
    /// <value>Default: 4 s: longer than any pause of a healthy process.</value>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>
    /// How long a node that reaches nobody of those it was given or knows tries before it goes on alone (or
    /// as a founder, where it may; it goes on trying, and joins when it succeeds). 0 to 10 min.
    /// </summary>
    /// <value>Default: 2 s, so that a node says within 5 s of its start how it stands.</value>
    public TimeSpan JoinPatience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Whether addresses of private networks (RFC 1918, RFC 4193, RFC 6598, link-local, loopback) are dialled
    /// whoever tells of them. Without it only a peer whose own connection comes from the same network may
    /// tell of them, since a stranger could make the node knock at any door of its local network.
    /// </summary>
    /// <value>Default: false.</value>
    public bool DialPrivate { get; init; }

    /// <summary>
    /// Most connections at once. From three quarters of them on the node is busy: it takes only who would be
    /// its neighbour, or whom it dialled itself, and names others to the rest. A member of several services
    /// has room for the neighbours of each besides, up to four times as many. 8 to 65536.
    /// </summary>
    /// <value>
    /// Default: 128, three times what a node of a large ring needs as neighbours and fingers.
    /// </value>
    public int LinksMax { get; init; } = 128;

    /// <summary>Most requests whose answer is waited for, passing through and own. 16 to 1048576.</summary>
    /// <value>Default: 65536.</value>
    public int PendingMax { get; init; } = 65536;

    /// <summary>Largest payload of a message, in bytes. 1 KiB to 15 MiB.</summary>
    /// <value>Default: 1 MiB and 64 KiB, a record and its frame.</value>
    public int PayloadBytesMax { get; init; } = (1024 * 1024) + (64 * 1024);

    /// <summary>Largest frame that this node takes, in bytes.</summary>
    public int FrameBytesMax => PayloadBytesMax + Wire.WireLimits.FrameOverheadBytes;
}
