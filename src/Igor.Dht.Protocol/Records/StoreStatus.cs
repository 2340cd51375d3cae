namespace Igor.Dht.Protocol.Records;

/// <summary>What a store holds and how it is.</summary>
public sealed record StoreStatus
{
    /// <summary>Number of records, tombstones included.</summary>
    public long Records { get; init; }

    /// <summary>Bytes of all records that are alive.</summary>
    public long LiveBytes { get; init; }

    /// <summary>Bytes on disk, index and dead records included.</summary>
    public long DiskBytes { get; init; }

    /// <summary>Records found damaged since the store was opened, and never served.</summary>
    public long DamagedRecords { get; init; }

    /// <summary>The last trouble, for people; null when all is well.</summary>
    public string? Trouble { get; init; }

    /// <summary>
    /// Whether the last opening had to rebuild the index from the segments, and why; null when not.
    /// </summary>
    public string? Rebuilt { get; init; }
}
