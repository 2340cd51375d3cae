using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Storage;

/// <summary>How a record store keeps records, and within which bounds.</summary>
public sealed record RecordStoreOptions
{
    /// <summary>The folder that holds the store; made when it is not there.</summary>
    public string Folder { get; init; } = string.Empty;

    /// <summary>What the folder stands in; null, the default, for nothing.</summary>
    public IStoreHome? Home { get; init; }

    /// <summary>
    /// The network that the records belong to. A store is bound to it when it is first opened with one, and
    /// refuses another from then on, which its <see cref="Home"/> sees to. Empty, the default, for no check.
    /// </summary>
    public string Network { get; init; } = string.Empty;

    /// <summary>
    /// Bytes that all live records may take together; 1 KiB at least. 10 GiB by default: noticed by few, and
    /// a node never fills a disk unasked.
    /// </summary>
    public long QuotaBytes { get; init; } = 10L * 1024 * 1024 * 1024;

    /// <summary>
    /// Bytes that the records of one owner may take; 0, the default, for no bound but the total.
    /// </summary>
    public long OwnerQuotaBytes { get; init; }

    /// <summary>
    /// How long a record stays readable after it expired, so that a reader learns that it expired and was not
    /// merely absent, and no older version comes back from a replica that was away. 7 days by default, as
    /// long as a tombstone.
    /// </summary>
    public TimeSpan ExpiredRetention { get; init; } = ValueRecordType.TombstoneLife;

    /// <summary>How often expired records are looked for; a minute by default.</summary>
    public TimeSpan SweepPeriod { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Size at which a segment is full, 64 KiB to 1 GiB. 64 MiB by default: few open files for a large store,
    /// and little to copy at once when one is compacted.
    /// </summary>
    public int SegmentBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// Bytes of records that one fsync covers at most, 4 KiB to 64 MiB. 1 MiB by default: a disk is then busy
    /// with the bytes, not with the fsync, and the next ones are made ready meanwhile.
    /// </summary>
    public int BatchBytesMax { get; init; } = 1024 * 1024;

    /// <summary>
    /// Bytes of records that may wait for the disk; what comes on top is told to come again. 64 MiB by
    /// default, some seconds of a slow disk.
    /// </summary>
    public long QueueBytesMax { get; init; } = 64L * 1024 * 1024;

    /// <summary>Memory for hot records, in bytes; 4 MiB by default.</summary>
    public long CacheBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// Memory that the index of all records may take, in bytes, 16 KiB at least: 112 for each and 160 for
    /// each owner. When it is taken, new keys are refused like those beyond the other quotas, and the status
    /// says so. 1 GiB by default, 9.5 million records, and never more than half of the memory that the
    /// process has.
    /// </summary>
    public long IndexBytes { get; init; } = 1L << 30;

    /// <summary>
    /// Share of a segment that must be dead before it is compacted, 0.05 to 1. A half by default: at most
    /// twice the disk space, and each byte is copied about once.
    /// </summary>
    public double CompactionGarbageShare { get; init; } = 0.5;

    /// <summary>
    /// Speed at which compaction reads and copies while there is room on the disk, in bytes per second, 64
    /// KiB at least. 32 MiB by default: a segment takes two seconds, and writers do not notice.
    /// </summary>
    public long CompactionBytesPerSecond { get; init; } = 32 * 1024 * 1024;

    /// <summary>
    /// Speed at which stored records are verified in the background, in bytes per second; 0 for not at all.
    /// 256 KiB by default: 20 GiB a day, unnoticed beside real work.
    /// </summary>
    public long ScrubBytesPerSecond { get; init; } = 256 * 1024;

    /// <summary>
    /// How long a round of verifying all records takes at the least, so that a small store is not read over
    /// and over; an hour by default.
    /// </summary>
    public TimeSpan ScrubRoundMin { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// What time it is, by which records expire; called on any thread. Nothing is forgotten while that time
    /// is not to be trusted. The host's own clock by default; a store of a DHT goes by the network's time.
    /// </summary>
    public Func<NetworkTime> Time { get; init; } =
        () => new NetworkTime(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), IsTrusted: true);

    /// <summary>Checks all values.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    public void Validate()
    {
        Check(nameof(QuotaBytes), QuotaBytes, 1024, long.MaxValue);
        Check(nameof(OwnerQuotaBytes), OwnerQuotaBytes, 0, long.MaxValue);
        Check(
            nameof(ExpiredRetention),
            ExpiredRetention.TotalSeconds,
            0,
            TimeSpan.FromDays(3650).TotalSeconds);
        Check(nameof(SweepPeriod), SweepPeriod.TotalSeconds, 0.001, TimeSpan.FromDays(1).TotalSeconds);
        Check(nameof(SegmentBytesMax), SegmentBytesMax, 64 * 1024, 1024 * 1024 * 1024);
        Check(nameof(BatchBytesMax), BatchBytesMax, 4 * 1024, 64 * 1024 * 1024);
        Check(nameof(QueueBytesMax), QueueBytesMax, 4 * 1024, 4L * 1024 * 1024 * 1024);
        Check(nameof(CacheBytes), CacheBytes, 0, 1L << 40);
        Check(nameof(IndexBytes), IndexBytes, 16 * 1024, 1L << 40);
        Check(nameof(CompactionGarbageShare), CompactionGarbageShare, 0.05, 1);
        Check(nameof(CompactionBytesPerSecond), CompactionBytesPerSecond, 64 * 1024, 1L << 40);
        Check(nameof(ScrubBytesPerSecond), ScrubBytesPerSecond, 0, 1L << 40);
        Check(nameof(ScrubRoundMin), ScrubRoundMin.TotalSeconds, 0, TimeSpan.FromDays(30).TotalSeconds);
        ArgumentNullException.ThrowIfNull(Time);
        if (Network.Length > 0 && Home is null)
        {
            throw new ArgumentException(
                $"{nameof(Network)} is '{Network}', and {nameof(Home)}, which would keep it, is missing.",
                nameof(Network));
        }
    }

    private static void Check(string name, double value, double least, double most)
    {
        if (!(value >= least && value <= most))
        {
            throw new ArgumentException($"{name} is {value}; it can be {least} to {most}.", name);
        }
    }
}
