using System.Globalization;

namespace Igor.Kbr.Overlay.Clocks;

/// <summary>Says for people how clocks differ.</summary>
internal static class ClockText
{
    private const string Remedy = "timedatectl set-ntp true, or another NTP client";

    public static string OwnIsWrong(long aheadMs, int agreeing) =>
        $"This host's clock is {Difference(aheadMs)} those of {agreeing} neighbours of this node, which "
        + $"agree. Set it ({Remedy}); until then the node goes by the neighbours' time.";

    public static string PeerIsWrong(Key peer, string address, long aheadMs) =>
        $"The clock of node {peer.ToShortString()} ({address}) is {Difference(aheadMs)} this network's time. "
        + $"Set it on that host ({Remedy}).";

    /// <summary>Two clocks differ, and nobody can say which one is wrong.</summary>
    public static string OneIsWrong(Key peer, string address, long aheadMs) =>
        $"The clock of node {peer.ToShortString()} ({address}) is {Difference(aheadMs)} this host's. Too few "
        + $"clocks agree to say which is wrong, so each node goes by its own: set the wrong one ({Remedy}).";

    private static string Difference(long aheadMs) =>
        $"{Amount(Math.Abs(aheadMs))} {(aheadMs > 0 ? "ahead of" : "behind")}";

    private static string Amount(long ms)
    {
        (double unitMs, string unit) = ms switch
        {
            >= 365L * 86_400_000 => (365.25 * 86_400_000, "years"),
            >= 86_400_000 => (86_400_000.0, "d"),
            >= 3_600_000 => (3_600_000.0, "h"),
            >= 60_000 => (60_000.0, "min"),
            _ => (1_000.0, "s"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{ms / unitMs:0.#} {unit}");
    }
}
