namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// What two neighbours whose digests differ have to tell each other: each says whom it knows, in short terms,
/// and is told the contacts that it lacks and no others.
/// </summary>
internal static class SetComparison
{
    /// <summary>
    /// The nodes that a peer, which need not be in this node's set, should know by it, and whose short terms
    /// are not among those that it knows.
    /// </summary>
    public static List<Key> MissingThere(
        ServiceId service, NeighbourSet set, Key peer, ReadOnlySpan<uint> known, int perSide)
    {
        List<Key> line = [.. RingTerms.Line(set)];
        if (!set.IsMember)
        {
            line.Remove(set.Self);
        }

        int at = line.IndexOf(peer);
        if (at < 0)
        {
            // It takes this node for a neighbour, and is none: all on the way to it are nearer to it.
            at = peer - set.Self < set.Self - peer ? line.Count : -1;
        }

        bool isWhole = set.IsWholeRing || IsWhole(known, perSide);
        var missing = new List<Key>();
        for (int i = 0; i < line.Count; i++)
        {
            bool isNear = isWhole || Math.Abs(i - at) <= perSide;
            if (isNear && i != at && !known.Contains(RingTerms.Short(RingTerms.Term(service, line[i]))))
            {
                missing.Add(line[i]);
            }
        }

        return missing;
    }

    /// <summary>
    /// Whether a peer knows somebody whom this node should know by the peer's set, and does not: short terms
    /// of this node's set, of this node, and of those whom the peer knows in their order.
    /// </summary>
    public static bool IsMissingHere(
        ReadOnlySpan<uint> own, uint self, ReadOnlySpan<uint> known, int perSide)
    {
        int at = known.IndexOf(self);
        bool isWhole = IsWhole(known, perSide) || IsWhole(own, perSide);
        for (int i = 0; i < known.Length; i++)
        {
            bool isNear = at < 0 || isWhole || Math.Abs(i - at) <= perSide;
            if (isNear && !own.Contains(known[i]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether who knows these takes them for the whole ring, so that it lacks any other.</summary>
    private static bool IsWhole(ReadOnlySpan<uint> known, int perSide) => known.Length <= 2 * perSide;
}
