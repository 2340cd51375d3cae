using System.Runtime.CompilerServices;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Machines;

/// <summary>Checks settings; the message names the setting and the value that is wrong.</summary>
internal static class OverlayOptionsValidator
{
    public static void Validate(OverlayOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Require(options.Network.Length is >= 1 and <= 64, options.Network, "1 to 64 characters");
        int addresses = options.Addresses.Count;
        Require(addresses <= WireLimits.AddressesMax, addresses, "at most 4", nameof(options.Addresses));
        Between(options.NeighboursPerSide, 1, 32);
        Between(options.UpkeepBytesPerSecond, 200, 1_000_000);
        Between(options.LinksMax, 8, 65536);
        Between(options.PendingMax, 16, 1048576);
        Between(options.PayloadBytesMax, WireLimits.PayloadBytesLeast, 15 * 1024 * 1024);
        Between(options.HeartbeatPeriod, TimeSpan.FromSeconds(0.1), TimeSpan.FromMinutes(10));
        Between(options.FingerPeriod, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        Between(options.DistantHeartbeatPeriod, TimeSpan.FromSeconds(0.1), TimeSpan.FromHours(1));
        Between(options.ProbeTimeout, TimeSpan.FromSeconds(1.5), TimeSpan.FromMinutes(10));
        Between(options.JoinPatience, TimeSpan.Zero, TimeSpan.FromMinutes(10));
    }

    private static void Between<T>(
        T value, T min, T max, [CallerArgumentExpression(nameof(value))] string expression = "")
        where T : IComparable<T> =>
        Require(
            value.CompareTo(min) >= 0 && value.CompareTo(max) <= 0, value, $"{min} to {max}", expression);

    private static void Require<T>(
        bool isRight, T value, string range, [CallerArgumentExpression(nameof(value))] string expression = "")
    {
        if (!isRight)
        {
            string name = expression[(expression.LastIndexOf('.') + 1)..];
            throw new ArgumentException($"{name} is {value}, but has to be {range}.", name);
        }
    }
}
