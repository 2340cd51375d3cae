namespace Igor.Dht;

/// <summary>How a record is read.</summary>
public sealed record GetOptions
{
    /// <summary>The defaults.</summary>
    public static GetOptions Default { get; } = new();

    /// <summary>Who is asked.</summary>
    /// <value>
    /// Default: the root alone when it is settled, which suffices because every write goes through it.
    /// </value>
    public GetConsistency Consistency { get; init; } = GetConsistency.Root;

    /// <summary>
    /// Time after which the call gives up, retries included; null for the timeout of the DHT.
    /// </summary>
    /// <value>Default: null.</value>
    public TimeSpan? Timeout { get; init; }
}
