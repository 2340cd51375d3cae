namespace Igor.Dht.Protocol.Machines;

/// <summary>The two clocks that the protocol lives by, as of an input.</summary>
/// <param name="Monotonic">Never runs backwards; deadlines are measured on it.</param>
/// <param name="UnixMs">
/// The network's time (<see cref="Igor.Kbr.NetworkTime"/>), in milliseconds since 1970 UTC; versions and ends
/// of life use it.
/// </param>
/// <param name="IsTrusted">Whether that time may be acted on where it cannot be undone.</param>
public readonly record struct DhtTime(TimeSpan Monotonic, long UnixMs, bool IsTrusted = true)
{
    /// <summary>The earlier of two deadlines, of which either may be none.</summary>
    internal static TimeSpan? Earliest(TimeSpan? left, TimeSpan? right) =>
        left is null || right < left ? right : left;
}
