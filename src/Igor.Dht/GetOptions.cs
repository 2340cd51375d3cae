using Igor.Dht.Protocol;

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
    /// Time after which the call gives up, retries included; null for the timeout of the DHT. 0.1 s to
    /// 10 min.
    /// </summary>
    /// <value>Default: null.</value>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Throws when an option is out of its range.</summary>
    /// <exception cref="ArgumentException">The message names the option and the value.</exception>
    public void Validate()
    {
        if (Timeout is { } timeout)
        {
            IgorDhtOptions.CheckTimeout(timeout);
        }
    }
}
