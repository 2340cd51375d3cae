using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Records;

namespace Igor.Dht;

/// <summary>How a record is written or deleted.</summary>
public sealed record PutOptions
{
    /// <summary>The defaults.</summary>
    public static PutOptions Default { get; } = new();

    /// <summary>
    /// How long the record lives; null for ever (an immutable record too). 1 s to 100 years. A delete ignores
    /// it.
    /// </summary>
    /// <value>Default: null.</value>
    public TimeSpan? TimeToLive { get; init; }

    /// <summary>Number of nodes that are to hold the record, 1 to 8.</summary>
    /// <value>Default: 5, so that a quarter of the nodes may die at once without a loss that shows.</value>
    public int Replicas { get; init; } = 5;

    /// <summary>How many of them must hold it durably before the call returns.</summary>
    /// <value>Default: a majority.</value>
    public AckLevel Acks { get; init; } = AckLevel.Quorum;

    /// <summary>
    /// Fewest durable copies with which the call may return, whatever the level says: a write with fewer
    /// fails, though some nodes may hold it. 1 to <see cref="Replicas"/>. It lowers no level; with
    /// <see cref="AckLevel.One"/>, 1 is how to be content with a single copy.
    /// </summary>
    /// <value>
    /// Default: null: a majority of the copies asked for or of the members known, the smaller of the two.
    /// </value>
    public int? CopiesMin { get; init; }

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
        if (TimeToLive is { } life && (life < TimeSpan.FromSeconds(1) || life > TimeSpan.FromDays(36525)))
        {
            throw new ArgumentException(
                $"TimeToLive is {life}; it can be 1 s to 100 years.", nameof(TimeToLive));
        }

        if (Replicas is < 1 or > RecordCodec.ReplicasMax)
        {
            throw new ArgumentException(
                $"Replicas is {Replicas}; it can be 1 to {RecordCodec.ReplicasMax}.", nameof(Replicas));
        }

        if (!Enum.IsDefined(Acks))
        {
            throw new ArgumentException($"Acks is {Acks}; it can be One, Quorum or All.", nameof(Acks));
        }

        if (CopiesMin is { } floor && (floor < 1 || floor > Replicas))
        {
            throw new ArgumentException(
                $"CopiesMin is {floor}; it can be 1 to the {Replicas} replicas asked for.",
                nameof(CopiesMin));
        }

        if (Timeout is { } timeout)
        {
            IgorDhtOptions.CheckTimeout(timeout);
        }
    }
}
