using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol;

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
    /// Number of copies that were asked for. A ring of fewer nodes holds fewer, as the holders say.
    /// </summary>
    public required int ReplicasAsked { get; init; }
}
