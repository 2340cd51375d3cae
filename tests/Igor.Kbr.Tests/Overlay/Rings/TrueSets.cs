using System.Collections.Immutable;

namespace Igor.Kbr.Tests.Overlay.Rings;

/// <summary>Neighbour sets as they are right, or would be if a node knew only some of the others.</summary>
internal static class TrueSets
{
    /// <summary>The ids of a ring, in order.</summary>
    public static Key[] Ring(ulong seed, int count)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextKey()).Order()];
    }

    /// <summary>The set of a node that knows all others but one.</summary>
    public static NeighbourSet Of(Key self, IEnumerable<Key> ring, int perSide, Key? unknown = null)
    {
        ImmutableArray<Key> others =
            [.. ring.Where(id => id != self && id != unknown).OrderBy(id => id - self)];
        int side = Math.Min(perSide, others.Length);
        return new NeighbourSet(
            self, isMember: true, others[..side], [.. others.Reverse().Take(side)], version: 1);
    }
}
