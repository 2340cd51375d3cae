using Igor.Kbr;

namespace Igor.Dht.Protocol.Records;

/// <summary>
/// Everything about a record but its value; what the index keeps and anti-entropy compares.
/// </summary>
public sealed record RecordHeader
{
    /// <summary>The place of the record on the ring; one record per key.</summary>
    public required Key Key { get; init; }

    /// <summary>Name of the record type, e.g. "value"; 1 to 32 characters.</summary>
    public required string Type { get; init; }

    /// <summary>Version; the larger one wins.</summary>
    public required RecordVersion Version { get; init; }

    /// <summary>When the record ends, in milliseconds since 1970 UTC; 0 for never.</summary>
    public long ExpiresAtUnixMs { get; init; }

    /// <summary>Number of nodes that are to hold the record, 1 to 8.</summary>
    public int Replicas { get; init; } = 5;

    /// <summary>Whether the record says that its key was deleted; it has no value then.</summary>
    public bool IsTombstone { get; init; }

    /// <summary>Whom the record counts against in quotas; zero for nobody.</summary>
    public Key Owner { get; init; }

    /// <summary>Length of the value, in bytes.</summary>
    public int ValueLength { get; init; }

    /// <summary>Whether the record has ended.</summary>
    public bool IsExpiredAt(long nowUnixMs) => ExpiresAtUnixMs != 0 && ExpiresAtUnixMs <= nowUnixMs;
}
