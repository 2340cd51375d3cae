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

    private const int OnStackMax = 256;

    /// <summary>Judges clocks, all read at the same moment.</summary>
    /// <param name="own">What our own shows.</param>
    /// <param name="others">What others show.</param>
    public static ClockVerdict Judge(long own, ReadOnlySpan<long> others)
    {
        int total = others.Length + 1;
        Span<long> clocks = total <= OnStackMax ? stackalloc long[total] : new long[total];
        clocks[0] = own;
        others.CopyTo(clocks[1..]);
        clocks.Sort();
        int bestFirst = 0;
        int bestCount = 0;
        for (int first = 0, end = 0; first < clocks.Length; first++)
        {
            while (end < clocks.Length && clocks[end] - clocks[first] <= AgreeWithinMs)
            {
                end++;
            }

            int count = end - first;
            bool isNearer = Distance(clocks, first, count, own) < Distance(clocks, bestFirst, bestCount, own);
            if (count > bestCount || (count == bestCount && isNearer))
            {
                (bestFirst, bestCount) = (first, count);
            }
        }

        bool isAgreed = bestCount >= AgreeingMin || (bestCount == 2 && clocks.Length == 3);
        return new ClockVerdict(
            isAgreed ? Median(clocks, bestFirst, bestCount) : own, bestCount, isAgreed);
    }

    private static long Distance(ReadOnlySpan<long> clocks, int first, int count, long own) =>
        count == 0 ? long.MaxValue : Math.Abs(Median(clocks, first, count) - own);

    private static long Median(ReadOnlySpan<long> clocks, int first, int count)
    {
        long lower = clocks[first + ((count - 1) / 2)];
        long upper = clocks[first + (count / 2)];
        return lower + ((upper - lower) / 2);
    }
}
