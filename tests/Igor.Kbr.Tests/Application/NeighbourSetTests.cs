using System.Collections.Immutable;
using CsCheck;
using Igor.Kbr.Tests.Keys;

namespace Igor.Kbr.Tests.Application;

public class NeighbourSetTests
{
    private static readonly Gen<(Key[] Ids, Key Key)> Rings =
        Gen.Select(KeyTests.Keys.Array[1, 40], KeyTests.Keys, (ids, key) => (ids.Distinct().ToArray(), key));

    [Fact]
    public void ReplicaSet_of_a_key_near_the_node_is_that_of_the_whole_ring() =>
        Rings.Sample((ids, key) =>
        {
            Key root = ids.Order(Comparer<Key>.Create(key.CompareNearness)).First();
            Key[] expected = [.. ids.Order(Comparer<Key>.Create(key.CompareNearness)).Take(5)];
            Assert.Equal(expected, SetOf(root, ids).ReplicaSet(key, 5));
        });

    [Fact]
    public void Range_holds_exactly_the_keys_that_a_node_is_near_enough_to() =>
        Gen.Select(Rings, Gen.Int[1, 8]).Sample((ring, rank) =>
        {
            (Key[] ids, Key key) = ring;
            NeighbourSet set = SetOf(ids[0], ids);
            foreach (Key node in ids)
            {
                if (set.Range(node, rank) is { } arc)
                {
                    bool isNear = ids.Order(Comparer<Key>.Create(key.CompareNearness))
                        .Take(rank).Contains(node);
                    Assert.Equal(isNear, arc.Contains(key));
                }
            }

            Assert.NotNull(set.Range(ids[0], Math.Min(rank, 8)));
        });

    [Fact]
    public void Range_edges_agree_with_nearness_to_the_last_key()
    {
        foreach (ulong gap in new ulong[] { 10, 11 })
        {
            Key[] ids = [new Key(0, 0, 0, 1000), new Key(0, 0, 0, 1000 + gap), new Key(1, 0, 0, 0)];
            NeighbourSet set = SetOf(ids[0], ids);
            Arc lower = set.Range(ids[0], 1)!.Value;
            Arc upper = set.Range(ids[1], 1)!.Value;
            for (ulong k = 1000; k <= 1000 + gap; k++)
            {
                var key = new Key(0, 0, 0, k);
                bool isLower = key.CompareNearness(ids[0], ids[1]) < 0;
                Assert.Equal(isLower, lower.Contains(key));
                Assert.Equal(!isLower, upper.Contains(key));
            }
        }
    }

    [Fact]
    public void A_client_is_not_in_its_own_replica_sets()
    {
        Key self = Key.HashOf("self");
        Key other = Key.HashOf("other");
        var set = new NeighbourSet(self, isMember: false, [other], [other], 1);
        Assert.Equal([other], set.ReplicaSet(self, 5));
        Assert.Equal(1, set.Count);
    }

    [Fact]
    public void A_node_alone_has_the_whole_ring()
    {
        NeighbourSet set = NeighbourSet.Alone(Key.HashOf("self"), isMember: true);
        Assert.True(set.IsWholeRing);
        Assert.Equal(Arc.Whole, set.Range(set.Self, 1));
        Assert.Equal([set.Self], set.ReplicaSet(Key.Max, 5));
    }

    private static NeighbourSet SetOf(Key self, Key[] ids)
    {
        ImmutableArray<Key> clockwise = [.. ids.Where(id => id != self).OrderBy(id => id - self)];
        return new NeighbourSet(
            self, isMember: true, [.. clockwise.Take(8)], [.. clockwise.Reverse().Take(8)], 1);
    }
}
