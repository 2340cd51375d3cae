using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol;

/// <summary>How a read ended.</summary>
public enum GetOutcome
{
    /// <summary>There is a record, and this is its value.</summary>
    Found,

    /// <summary>There is none, and enough of those who would hold it said so.</summary>
    Absent,

    /// <summary>It was deleted.</summary>
    Deleted,

    /// <summary>It has outlived its time to live.</summary>
    Expired,

    /// <summary>Too few of those who would hold it answered: it may exist.</summary>
    Unreachable,
}

/// <summary>What a read found.</summary>
public sealed record GetResult
{
    /// <summary>The key that was asked for.</summary>
    public required Key Key { get; init; }

    /// <summary>How it ended.</summary>
    public required GetOutcome Outcome { get; init; }

    /// <summary>The value; empty unless found.</summary>
    public ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>The version of the record or tombstone; None when there is neither.</summary>
    public RecordVersion Version { get; init; }

    /// <summary>When the record ends, in milliseconds since 1970 UTC; 0 for never.</summary>
    public long ExpiresAtUnixMs { get; init; }

    /// <summary>
    /// Whether it was found, but fewer than a majority could say whether there is a newer version.
    /// </summary>
    public bool IsDegraded { get; init; }

    /// <summary>How many of the nodes that were asked could answer for the key.</summary>
    public int ReplicasAnswered { get; init; }

    /// <summary>
    /// How many nodes were asked; 1 when the root answered alone, 0 when no node that could ask was reached.
    /// </summary>
    public int ReplicasAsked { get; init; }

    /// <summary>
    /// What was tried and how it ended, for people, when the outcome is unreachable; else null.
    /// </summary>
    public string? Trouble { get; init; }

    /// <summary>
    /// What keeps the node from those who would hold the record, for people, when it is degraded or
    /// unreachable and the node knows; else null.
    /// </summary>
    public string? Barrier { get; init; }
}
