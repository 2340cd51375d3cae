namespace Igor.Kbr.Overlay.Rings;

/// <summary>How many nodes a ring has, as far as one of them can tell.</summary>
internal static class RingSize
{
    /// <summary>
    /// Estimates the number of nodes from how densely the neighbours lie: ids are uniform, so that m gaps
    /// that take a fraction f of the ring speak for (m - 1) / f nodes, on average neither more nor less. With
    /// 8 neighbours a side the error is a quarter in two cases of three.
    /// </summary>
    public static double Estimate(NeighbourSet set)
    {
        if (set.IsWholeRing)
        {
            return set.Count + 1;
        }

        int gaps = set.Clockwise.Length + set.CounterClockwise.Length;
        double fraction = (set.Clockwise[^1] - set.CounterClockwise[^1]).ToFraction();
        return Math.Max(gaps + 1, (gaps - 1) / fraction);
    }
}
