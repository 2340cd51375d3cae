namespace Igor.Kbr;

/// <summary>How to tell the time until something else is known; immutable.</summary>
/// <param name="UnixMsAtZero">
/// What the right clock showed when the node's monotonic time was zero, in milliseconds since 1970 UTC; null
/// while the host's own clock holds.
/// </param>
/// <param name="IsTrusted">See <see cref="NetworkTime.IsTrusted"/>.</param>
public sealed record CorrectedClock(long? UnixMsAtZero, bool IsTrusted)
{
    /// <summary>Nothing is known but the host's own clock, and nobody has confirmed it.</summary>
    public static CorrectedClock Unknown { get; } = new(null, false);

    /// <summary>The time.</summary>
    /// <param name="now">The node's monotonic time.</param>
    /// <param name="ownUnixMs">What the host's own clock shows, in milliseconds since 1970 UTC.</param>
    public NetworkTime At(TimeSpan now, long ownUnixMs) => new(
        UnixMsAtZero is { } zero ? zero + (now.Ticks / TimeSpan.TicksPerMillisecond) : ownUnixMs, IsTrusted);
}
