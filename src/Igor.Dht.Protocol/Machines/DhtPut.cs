using Igor.Kbr;

namespace Igor.Dht.Protocol.Machines;

/// <summary>A record to be written.</summary>
public sealed record DhtPut
{
    /// <summary>Where.</summary>
    public required Key Key { get; init; }

    /// <summary>Name of the record type.</summary>
    public required string Type { get; init; }

    /// <summary>The value; it is copied when the operation begins. Empty for a tombstone.</summary>
    public ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>Whether to write a tombstone.</summary>
    public bool IsDelete { get; init; }

    /// <summary>How long the record lives; null for ever.</summary>
    public TimeSpan? TimeToLive { get; init; }

    /// <summary>Number of nodes that are to hold it, 1 to 8.</summary>
    public int Replicas { get; init; } = 5;

    /// <summary>How many must hold it before the operation ends.</summary>
    public AckLevel Acks { get; init; } = AckLevel.Quorum;

    /// <summary>Not fewer than this, whatever the level says; 0 for no floor, up to the replicas.</summary>
    public int CopiesMin { get; init; }

    /// <summary>Time after which the operation ends, retries included.</summary>
    public required TimeSpan Timeout { get; init; }
}
