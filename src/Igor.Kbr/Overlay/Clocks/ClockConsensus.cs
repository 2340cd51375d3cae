namespace Igor.Kbr.Overlay.Clocks;

/// <summary>What some clocks say together.</summary>
/// <param name="TimeMs">The time to go by.</param>
/// <param name="Agreeing">How many clocks are behind it, our own among them if it agrees.</param>
/// <param name="IsAgreed">Whether these are enough; else the time is that of our own clock.</param>
internal readonly record struct ClockVerdict(long TimeMs, int Agreeing, bool IsAgreed);

/// <summary>
/// Finds the right time among a few clocks of which some may be wrong by any amount: the median of the
/// largest group that agrees (after Marzullo's intersection of clocks, as NTP uses it, with one width for
/// all). A group counts from three clocks on, and with two where there are only three: these are a majority.
/// </summary>
internal static class ClockConsensus
{
    /// <summary>
    /// Clocks that differ by no more than this agree: far above what hosts with NTP, slow links and busy
    /// processes differ by, far below what would matter to a version or an end of life.
    /// </summary>
    public const long AgreeWithinMs = 5_000;

    /// <summary>Clocks that have to agree: one that is wrong finds no two others to be wrong with.</summary>
    private const int AgreeingMin = 3;

    /// <summary>Judges clocks, all read at the same moment.</summary>
    public static ClockVerdict Judge(long own, ReadOnlySpan<long> others)
    {
        long[] clocks = [own, .. others];
        Array.Sort(clocks);
        (int Count, long Nearness, long Median) best = default;
        for (int first = 0, end = 0; first < clocks.Length; first++)
        {
            while (end < clocks.Length && clocks[end] - clocks[first] <= AgreeWithinMs)
            {
                end++;
            }

            long median = Median(clocks.AsSpan(first..end));
            (int, long, long) group = (end - first, -Math.Abs(median - own), median);
            best = group.CompareTo(best) > 0 ? group : best;
        }

        bool isAgreed = best.Count >= AgreeingMin || (best.Count == 2 && clocks.Length == 3);
        return new ClockVerdict(isAgreed ? best.Median : own, best.Count, isAgreed);
    }

    private static long Median(ReadOnlySpan<long> clocks)
    {
        long lower = clocks[(clocks.Length - 1) / 2];
        return lower + ((clocks[clocks.Length / 2] - lower) / 2);
    }
}
