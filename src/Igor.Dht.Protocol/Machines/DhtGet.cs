using Igor.Kbr;

namespace Igor.Dht.Protocol.Machines;

/// <summary>A record to be read.</summary>
public sealed record DhtGet
{
    /// <summary>Where.</summary>
    public required Key Key { get; init; }

    /// <summary>Name of the record type; a record of another type is not what was asked for.</summary>
    public required string Type { get; init; }

    /// <summary>Who is asked.</summary>
    public GetConsistency Consistency { get; init; }

    /// <summary>Time after which the operation ends, retries included.</summary>
    public required TimeSpan Timeout { get; init; }
}
