namespace Igor.Kbr;

/// <summary>Settings of an <see cref="OverlayNode"/>.</summary>
public sealed record OverlayOptions
{
    /// <summary>The network's name; peers of another network are refused. 1 to 64 characters.</summary>
    /// <value>Default: "igor".</value>
    public string Network { get; init; } = "igor";

    /// <summary>Addresses (host:port) where others can reach this node, told to peers; 0 to 4.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>Addresses (host:port) of nodes to join through. None: the node founds a ring.</summary>
    public IReadOnlyList<string> Bootstrap { get; init; } = [];

    /// <summary>Addresses of peers known from an earlier run, tried like bootstrap addresses.</summary>
    public IReadOnlyList<string> KnownPeers { get; init; } = [];

    /// <summary>Neighbours kept on either side, per service. 1 to 32.</summary>
    /// <value>Default: 8, so that half of a neighbourhood may die at once and the ring still closes.</value>
    public int NeighboursPerSide { get; init; } = 8;

    /// <summary>
    /// Whether the node is part of the ring; false for a client that only routes through peers.
    /// </summary>
    /// <value>Default: true.</value>
    public bool JoinsRing { get; init; } = true;

    /// <summary>
    /// Time between two exchanges of neighbour sets with one peer, before jitter. 1 s to 10 min.
    /// </summary>
    /// <value>Default: 10 s.</value>
    public TimeSpan ExchangePeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time between two checks of the fingers, before jitter. 1 s to 1 h.</summary>
    /// <value>Default: 20 s.</value>
    public TimeSpan FingerPeriod { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// A peer from which nothing came for this long is asked whether it lives. 0.1 s to 10 min.
    /// </summary>
    /// <value>Default: 5 s.</value>
    public TimeSpan ProbeAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A peer that leaves a probe unanswered for this long is dead. 0.1 s to 10 min.</summary>
    /// <value>Default: 5 s: longer than any pause of a healthy process.</value>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a node that cannot reach any bootstrap address tries before it opens a ring alone (it goes on
    /// trying, and the rings merge when it succeeds). 0 to 10 min.
    /// </summary>
    /// <value>Default: 3 s.</value>
    public TimeSpan JoinPatience { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Most peers connected at once. 8 to 65536.</summary>
    /// <value>Default: 512.</value>
    public int PeersMax { get; init; } = 512;

    /// <summary>Most requests whose answer is waited for, passing through and own. 16 to 1048576.</summary>
    /// <value>Default: 65536.</value>
    public int PendingMax { get; init; } = 65536;

    /// <summary>Largest payload of a message, in bytes. 1 KiB to 15 MiB.</summary>
    /// <value>Default: 1 MiB and 64 KiB, a record and its frame.</value>
    public int PayloadBytesMax { get; init; } = (1024 * 1024) + (64 * 1024);
}
