namespace Igor.Kbr;

/// <summary>
/// Which keys a node is near enough to. A node is among the r nearest to a key exactly when fewer than r
/// nodes are nearer; going clockwise from the node, that holds up to half the way to its r-th successor, and
/// counter-clockwise up to half the way to its r-th predecessor.
/// </summary>
public static class RingGeometry
{
    /// <summary>The arc of keys for which a node is among the <paramref name="rank"/> nearest.</summary>
    /// <param name="members">
    /// Known members in clockwise order, each once: the whole ring starting anywhere, or a contiguous piece
    /// of it.
    /// </param>
    /// <param name="node">The node asked for.</param>
    /// <param name="rank">1 for the keys it is the root of.</param>
    /// <param name="isWholeRing">
    /// Whether the members are the whole ring, so that it may be walked around.
    /// </param>
    /// <returns>
    /// The arc; null when the node is not among the members or the piece is too short to tell.
    /// </returns>
    public static Arc? Range(ImmutableArray<Key> members, Key node, int rank, bool isWholeRing)
    {
        int at = members.IndexOf(node);
        if (at < 0)
        {
            return null;
        }

        if (!isWholeRing)
        {
            return at - rank < 0 || at + rank >= members.Length
                ? null
                : Between(members[at - rank], node, members[at + rank]);
        }

        int count = members.Length;
        return count <= rank
            ? Arc.Whole
            : Between(members[(at + count - rank) % count], node, members[(at + rank) % count]);
    }

    /// <summary>The arc from half way to the predecessor to half way to the successor.</summary>
    public static Arc Between(Key predecessor, Key node, Key successor)
    {
        // A key half way between belongs to the node clockwise of it (Key.CompareNearness), hence rounding up
        // at the start (from the predecessor's side) and one more at the end only when the distance is odd.
        Key start = node - (node - predecessor).Half();
        Key gap = successor - node;
        Key half = gap.Half();
        bool odd = half + half != gap;
        Key end = node + half + (odd ? new Key(0, 0, 0, 1) : Key.Zero);
        return new Arc(start, end);
    }
}
