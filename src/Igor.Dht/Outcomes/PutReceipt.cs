using Igor.Kbr;

namespace Igor.Dht;

/// <summary>What a write left behind.</summary>
public sealed record PutReceipt
{
    /// <summary>The key of the record.</summary>
    public required Key Key { get; init; }

    /// <summary>The version that was written.</summary>
    public required RecordVersion Version { get; init; }

    /// <summary>
    /// The ids of the nodes that hold it durably (those that had said so when the write was acknowledged;
    /// others may follow), the root of the key first.
    /// </summary>
    public required IReadOnlyList<Key> Holders { get; init; }

    /// <summary>
    /// Number of nodes that are to hold it: what was asked for, or all nodes of a smaller ring.
    /// </summary>
    public required int ReplicasWanted { get; init; }
}
