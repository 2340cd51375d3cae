namespace Igor.Dht.Protocol.Records;

/// <summary>
/// The time in a version: milliseconds since 1970 in the upper 48 bits of a clock below 2^63. A clock of 2^63
/// or more is no time, but stands for what its key proves.
/// </summary>
internal static class VersionTime
{
    /// <summary>Whether a version claims to have been made after a time.</summary>
    public static bool IsAfter(RecordVersion version, long unixMs) =>
        version.Clock < ImmutableRecordType.ClockFloor && UnixMsOf(version) > Math.Max(0, unixMs);

    /// <summary>When a version claims to have been made, in milliseconds since 1970 UTC.</summary>
    public static long UnixMsOf(RecordVersion version) =>
        (long)(version.Clock >> HybridClock.CounterBits);

    /// <summary>
    /// The version under which a record from the future is kept on: older than every one that a clock of our
    /// days makes (it reads as the morning of 1970-01-01), and of two such the later one stays the later. It
    /// follows from the version alone, so that all who hold the record come to the same.
    /// </summary>
    public static RecordVersion Demoted(RecordVersion version) =>
        version with { Clock = Math.Max(1, version.Clock >> HybridClock.CounterBits) };
}
