using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Machines;

/// <summary>Settings of a node of the DHT.</summary>
public sealed record DhtNodeOptions
{
    /// <summary>The defaults.</summary>
    public static DhtNodeOptions Default { get; } = new();

    /// <summary>The record types that the node stores and writes.</summary>
    public RecordTypes Types { get; init; } = RecordTypes.Shipped;

    /// <summary>Largest value of a record, in bytes. 1 to 1 MiB.</summary>
    /// <value>Default: 1 MiB.</value>
    public int ValueBytesMax { get; init; } = 1024 * 1024;

    /// <summary>
    /// How far the version of a record may be ahead of the network's time; one that is more is refused.
    /// 1 s to 1 day.
    /// </summary>
    /// <value>Default: 60 s, above what clocks without care are off, and soon over.</value>
    public TimeSpan VersionAheadMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long a member that failed is expected back, and counts in quorums. 0 to 1 day.
    /// </summary>
    /// <value>Default: 10 min, longer than a restart takes.</value>
    public TimeSpan MissingRetention { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// The network that the ring belongs to: members that were known in another one are not expected back.
    /// Up to 64 characters.
    /// </summary>
    /// <value>Default: empty, where there is but one.</value>
    public string Network { get; init; } = string.Empty;

    /// <summary>
    /// Whether the node may found a ring without the members that it knew before it was restarted: those are
    /// not expected back then, and count in no quorum until they are there.
    /// </summary>
    /// <value>Default: false.</value>
    public bool Found { get; init; }

    /// <summary>
    /// Time between two synchronisations with one peer when nothing happens, before jitter. 1 s to 1 h.
    /// </summary>
    /// <value>Default: 30 s.</value>
    public TimeSpan SyncPeriod { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long records stay after the node ceased to be one of their replicas. 1 s to 1 day.
    /// </summary>
    /// <value>Default: 60 s, so that a node that is away for a moment moves nothing.</value>
    public TimeSpan HandoffAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long an expired record is remembered, so that no older version comes back from a replica that was
    /// away. 0 to 30 days; records that can hide nothing stay an hour at most.
    /// </summary>
    /// <value>Default: 7 days, as long as a tombstone.</value>
    public TimeSpan ExpiredRetention { get; init; } = ValueRecordType.TombstoneLife;

    /// <summary>Most operations of local callers at once. 1 to 1048576.</summary>
    /// <value>Default: 16384.</value>
    public int OperationsMax { get; init; } = 16384;

    /// <summary>
    /// Most requests of other nodes that wait for disk or for replicas at once. 1 to 1048576.
    /// </summary>
    /// <value>Default: 8192.</value>
    public int ServingMax { get; init; } = 8192;

    /// <summary>
    /// Bytes of memory, and of the voter's log, that registers may take; 1 MiB to 16 GiB.
    /// </summary>
    /// <value>Default: 64 MiB, as they are all in memory.</value>
    public long RegisterBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// How long a node has to be there before it votes about registers. 0 to 1 day.
    /// </summary>
    /// <value>Default: 60 s, so that a guest who leaves at once blocks nobody.</value>
    public TimeSpan VoteAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long a voter has to be dead before another takes its place; six times that if it said that it
    /// leaves. 1 s to 1 day.
    /// </summary>
    /// <value>Default: 10 s, longer than a restart and far shorter than the time to the next death.</value>
    public TimeSpan ReplaceVoterAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most synchronisations that the node drives at once. 1 to 64.</summary>
    /// <value>Default: 4.</value>
    public int SyncSessionsMax { get; init; } = 4;

    /// <summary>Throws when an option is out of its range.</summary>
    /// <exception cref="ArgumentException">The message names the option and the value.</exception>
    public void Validate()
    {
        Check($"{nameof(Network)}.{nameof(Network.Length)}", Network.Length, 0, ServiceId.NameLengthMax);
        Check(nameof(ValueBytesMax), ValueBytesMax, 1, 1024 * 1024);
        Check(nameof(OperationsMax), OperationsMax, 1, 1 << 20);
        Check(nameof(ServingMax), ServingMax, 1, 1 << 20);
        Check(nameof(SyncSessionsMax), SyncSessionsMax, 1, 64);
        Check(nameof(MissingRetention), MissingRetention, TimeSpan.Zero, TimeSpan.FromDays(1));
        Check(nameof(VersionAheadMax), VersionAheadMax, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        Check(nameof(RegisterBytesMax), RegisterBytesMax, 1L << 20, 1L << 34);
        Check(nameof(VoteAfter), VoteAfter, TimeSpan.Zero, TimeSpan.FromDays(1));
        Check(nameof(ReplaceVoterAfter), ReplaceVoterAfter, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        Check(nameof(SyncPeriod), SyncPeriod, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        Check(nameof(HandoffAfter), HandoffAfter, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        Check(nameof(ExpiredRetention), ExpiredRetention, TimeSpan.Zero, TimeSpan.FromDays(30));
    }

    private static void Check<T>(string name, T value, T least, T most)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            throw new ArgumentException($"{name} is {value}; it goes from {least} to {most}.", name);
        }
    }
}
