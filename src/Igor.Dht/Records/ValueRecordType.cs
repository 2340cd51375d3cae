namespace Igor.Dht;

/// <summary>
/// A value that anyone may replace or delete: the last writer wins, by hybrid logical clock.
/// </summary>
public sealed class ValueRecordType : IRecordType
{
    /// <summary>The name of the type.</summary>
    public const string TypeName = "value";

    /// <summary>How far a writer's clock may run ahead of a storing node's, in milliseconds.</summary>
    public const long ClockAheadMsMax = 10 * 60 * 1000;

    /// <summary>How long a tombstone lives: longer than any replica is expected to be away.</summary>
    public static readonly TimeSpan TombstoneLife = TimeSpan.FromDays(7);

    /// <inheritdoc/>
    public string Name => TypeName;

    /// <inheritdoc/>
    public bool IsDeletable => true;

    /// <inheritdoc/>
    public bool NewerConfirmsOlder => false;

    /// <inheritdoc/>
    public RecordVersion VersionFor(RecordVersion fresh, long expiresAtUnixMs) => fresh;

    /// <inheritdoc/>
    public string? Refusal(Record record)
    {
        ArgumentNullException.ThrowIfNull(record);
        RecordHeader header = record.Header;
        if (header.Version == RecordVersion.None)
        {
            return "a value has a version";
        }

        if (header.Version.Clock >= ImmutableRecordType.ClockFloor)
        {
            return "a value has no version of an immutable record";
        }

        return header.IsTombstone && (header.ValueLength != 0 || header.ExpiresAtUnixMs == 0)
            ? "a tombstone has no value and ends some day"
            : null;
    }

    /// <inheritdoc/>
    public string? RefusalAt(RecordHeader header, long latestUnixMs)
    {
        ArgumentNullException.ThrowIfNull(header);
        if (header.Version.Clock >> HybridClock.CounterBits > (ulong)Math.Max(0, latestUnixMs))
        {
            return "the version lies far in the future: check the clock of the writer's host";
        }

        long latestEnd = latestUnixMs + (long)TombstoneLife.TotalMilliseconds;
        return header.IsTombstone && header.ExpiresAtUnixMs > latestEnd
            ? "a tombstone ends within 7 days: check the clock of the writer's host"
            : null;
    }
}
