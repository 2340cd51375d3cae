using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht;

/// <summary>How an <see cref="IgorDht"/> takes part in the network.</summary>
public enum DhtAttachment
{
    /// <summary>As a client of the local daemon; the records are elsewhere.</summary>
    DaemonClient,

    /// <summary>
    /// As a member behind the local daemon: the daemon has the connections, this process the records.
    /// </summary>
    DaemonMember,

    /// <summary>With a node of its own that is no member and holds nothing.</summary>
    EmbeddedClient,

    /// <summary>With a node and a store of its own.</summary>
    EmbeddedMember,
}

/// <summary>A look at a DHT from one of its nodes.</summary>
public sealed record DhtStatus
{
    /// <summary>How this process takes part.</summary>
    public required DhtAttachment Attachment { get; init; }

    /// <summary>The id of the node that this process is or is attached to.</summary>
    public required Key NodeId { get; init; }

    /// <summary>The network's name; empty when only the daemon knows it.</summary>
    public string Network { get; init; } = string.Empty;

    /// <summary>
    /// Addresses (host:port) where others reach the node; empty when only the daemon knows them.
    /// </summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>
    /// The local socket: where this process attached, or what it serves; null when neither.
    /// </summary>
    public string? Socket { get; init; }

    /// <summary>The data folder; null when this process keeps nothing.</summary>
    public string? Data { get; init; }

    /// <summary>How the node stands to the ring of its network, and why.</summary>
    public RingStanding Ring { get; init; } = RingStanding.Joining;

    /// <summary>How large the node's ring is, and what its place there takes.</summary>
    public OverlayFigures Figures { get; init; } = OverlayFigures.Unknown;

    /// <summary>
    /// Whether the node is in a ring that it may act for, and in that of the DHT (a client: whether it knows
    /// a member).
    /// </summary>
    public bool IsJoined { get; init; }

    /// <summary>The members it knows near itself, in clockwise order; itself is not among them.</summary>
    public IReadOnlyList<Key> Neighbours { get; init; } = [];

    /// <summary>Members that are expected back: they failed a short while ago.</summary>
    public IReadOnlyList<Key> Missing { get; init; } = [];

    /// <summary>
    /// Whether the node has synchronised all keys it is the root of with a majority of their replicas.
    /// </summary>
    public bool IsSettled { get; init; }

    /// <summary>
    /// Whether all replicas are known to have what the node holds as a root: nothing is under way.
    /// </summary>
    public bool IsReplicated { get; init; }

    /// <summary>
    /// Messages between replicas that the node refused, because they came from no known member's own
    /// connection. A few come up while the ring changes.
    /// </summary>
    public long RefusedMessages { get; init; }

    /// <summary>
    /// Records of others that the node refused, because they break their type's rules or bound in time.
    /// </summary>
    public long RefusedRecords { get; init; }

    /// <summary>
    /// What the node's store holds, in this process or (to a client of the node) in another one of this host;
    /// null
    /// when the node keeps nothing.
    /// </summary>
    public StoreStatus? Store { get; init; }

    /// <summary>
    /// What keeps the node, its store or its network from doing all that they are there for, each kind once.
    /// </summary>
    public IReadOnlyList<Trouble> Troubles { get; init; } = [];

    /// <summary>Whether there is no trouble.</summary>
    public bool IsHealthy => Troubles.Count == 0;

    /// <summary>
    /// The trouble for which records may be out of reach, or not be written; null when there is none such.
    /// </summary>
    public Trouble? Barrier => Troubles.FirstOrDefault(trouble => trouble.Kind
        is TroubleKinds.Alone or TroubleKinds.NoMember or TroubleKinds.NoMajority or TroubleKinds.Joining);
}
