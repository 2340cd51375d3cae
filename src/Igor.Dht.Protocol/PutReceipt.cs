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
    /// Whether the holders are no majority of the nodes that are to hold the record, as far as those know of
    /// one another: a reader on the other side of a cut may not find it, and a later write there may win.
    /// </summary>
    public bool IsDegraded { get; init; }

    /// <summary>
    /// Number of copies that were asked for. A ring of fewer nodes holds fewer, as the holders say.
    /// </summary>
    public required int ReplicasAsked { get; init; }
}
