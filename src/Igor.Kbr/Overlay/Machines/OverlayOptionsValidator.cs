
namespace Igor.Kbr.Overlay.Machines;

/// <summary>Checks settings; the message names the setting and the value that is wrong.</summary>
internal static class OverlayOptionsValidator
{
    public static void Validate(OverlayOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Require(
            options.Network.Length is >= 1 and <= 64,
            nameof(options.Network),
            options.Network,
            "1 to 64 characters");
        Require(
            options.Addresses.Count <= Wire.WireLimits.AddressesMax,
            nameof(options.Addresses),
            options.Addresses.Count,
            "at most 4");
        Between(options.NeighboursPerSide, 1, 32, nameof(options.NeighboursPerSide));
        Between(options.UpkeepBytesPerSecond, 200, 1_000_000, nameof(options.UpkeepBytesPerSecond));
        Between(options.LinksMax, 8, 65536, nameof(options.LinksMax));
        Between(options.PendingMax, 16, 1048576, nameof(options.PendingMax));
        Between(
            options.PayloadBytesMax,
            Wire.WireLimits.PayloadBytesLeast,
            15 * 1024 * 1024,
            nameof(options.PayloadBytesMax));
        Between(
            options.HeartbeatPeriod,
            TimeSpan.FromSeconds(0.1),
            TimeSpan.FromMinutes(10),
            nameof(options.HeartbeatPeriod));
        Between(
            options.FingerPeriod,
            TimeSpan.FromSeconds(1),
            TimeSpan.FromHours(1),
            nameof(options.FingerPeriod));
        Between(
            options.DistantHeartbeatPeriod,
            TimeSpan.FromSeconds(0.1),
            TimeSpan.FromHours(1),
            nameof(options.DistantHeartbeatPeriod));
        Between(
            options.ProbeTimeout,
            TimeSpan.FromSeconds(0.1),
            TimeSpan.FromMinutes(10),
            nameof(options.ProbeTimeout));
        Between(options.JoinPatience, TimeSpan.Zero, TimeSpan.FromMinutes(10), nameof(options.JoinPatience));
    }

    private static void Between<T>(T value, T min, T max, string name)
        where T : IComparable<T> =>
        Require(value.CompareTo(min) >= 0 && value.CompareTo(max) <= 0, name, value, $"{min} to {max}");

    private static void Require<T>(bool isRight, string name, T value, string range)
    {
        if (!isRight)
        {
            throw new ArgumentException($"{name} is {value}, but has to be {range}.", name);
        }
    }
}
