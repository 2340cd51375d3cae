namespace Igor.Dht.Protocol.Records;

/// <summary>
/// A value that anyone may replace or delete: the last writer wins, by hybrid logical clock.
/// </summary>
public sealed class ValueRecordType : IRecordType
{
    /// <summary>The name of the type.</summary>
    public const string TypeName = "value";

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
        if (VersionTime.IsAfter(header.Version, latestUnixMs))
        {
            return "its version is too far ahead of the network's time: check the clock of the writer's host";
        }

        long latestEnd = latestUnixMs + (long)TombstoneLife.TotalMilliseconds;
        return header.IsTombstone && header.ExpiresAtUnixMs > latestEnd
            ? "a tombstone ends within 7 days: check the clock of the writer's host"
            : null;
    }
}
