namespace Igor.Dht.Protocol.Records;

/// <summary>
/// Content under its own hash. Nothing but its end of life can change, so that is what the version says: of
/// two copies the one that lives longer wins.
/// </summary>
public sealed class ImmutableRecordType : IRecordType
{
    /// <summary>The name of the type.</summary>
    public const string TypeName = "immutable";

    /// <summary>
    /// Smallest clock of the type, above every one that other types allow: a record whose key proves nothing
    /// cannot take the place of one whose key does.
    /// </summary>
    internal const ulong ClockFloor = 1UL << 63;

    /// <inheritdoc/>
    public string Name => TypeName;

    /// <inheritdoc/>
    public bool IsDeletable => false;

    /// <inheritdoc/>
    public bool NewerConfirmsOlder => true;

    /// <inheritdoc/>
    public RecordVersion VersionFor(RecordVersion fresh, long expiresAtUnixMs) => VersionOf(expiresAtUnixMs);

    /// <inheritdoc/>
    public string? Refusal(Record record)
    {
        ArgumentNullException.ThrowIfNull(record);
        RecordHeader header = record.Header;
        if (header.IsTombstone)
        {
            return "an immutable record cannot be deleted; it ends with its time to live";
        }

        if (header.Version != VersionOf(header.ExpiresAtUnixMs))
        {
            return "the version of an immutable record follows from its end of life";
        }

        return DhtKey.ForImmutable(RecordCodec.ValueOf(record).Span) == header.Key
            ? null
            : "the key of an immutable record is the hash of its value";
    }

    /// <inheritdoc/>
    public string? RefusalAt(RecordHeader header, long latestUnixMs) => null;

    private static RecordVersion VersionOf(long expiresAtUnixMs) => expiresAtUnixMs == 0
        ? new RecordVersion(ulong.MaxValue, 0)
        : new RecordVersion(ClockFloor | (ulong)expiresAtUnixMs, 0);
}
