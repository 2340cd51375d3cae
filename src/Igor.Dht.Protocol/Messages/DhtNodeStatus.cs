using Igor.Kbr;

namespace Igor.Dht.Protocol.Messages;

/// <summary>A look at a node of the DHT.</summary>
/// <param name="IsJoined">
/// Whether the node is a member of the ring; for a client, whether it knows a member.
/// </param>
/// <param name="Neighbours">The members that it knows near itself, in clockwise order.</param>
/// <param name="Missing">Members that are expected back.</param>
/// <param name="IsSettled">Whether it may answer alone for all keys that it is the root of.</param>
/// <param name="IsReplicated">Whether all replicas are known to have what it holds as a root.</param>
/// <param name="Records">Number of records held, tombstones included.</param>
/// <param name="Troubles">What keeps it from doing all that it is there for.</param>
public sealed record DhtNodeStatus(
    bool IsJoined,
    IReadOnlyList<Key> Neighbours,
    IReadOnlyList<Key> Missing,
    bool IsSettled,
    bool IsReplicated,
    int Records,
    IReadOnlyList<Trouble> Troubles)
{
    /// <summary>
    /// Messages between replicas that were refused, because they came from no known member's own
    /// connection.
    /// </summary>
    public long RefusedMessages { get; init; }

    /// <summary>
    /// Records of others that were refused: they break their type's rules or bound in time.
    /// </summary>
    public long RefusedRecords { get; init; }
}
