using CsCheck;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Ring;

public class RingViewTests
{
    private static readonly Gen<Key> s_key = Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong, Gen.ULong)
        .Select((a, b, c, d) => new Key(a, b, c, d));

    private static readonly Gen<Key[]> s_members = s_key.Array[1, 40]
        .Select(keys => keys.Distinct().ToArray());

    // Node ids are hashes: nobody sits half a ring away from all others.
    private static readonly Gen<Key> s_hashed =
        Gen.Int.Select(at => Key.HashOf(at.ToString(System.Globalization.CultureInfo.InvariantCulture)));

    [Fact]
    public void Nearest_are_those_that_sorting_by_nearness_finds() =>
        Gen.Select(s_members, s_key, Gen.Int[1, 12]).Sample((members, key, count) =>
        {
            RingView view = ViewOf(members, perSide: 64);
            Span<Key> nearest = new Key[count];
            nearest = nearest[..view.Nearest(key, nearest)];
            Assert.Equal(
                members.OrderBy(m => m, Comparer<Key>.Create(key.CompareNearness)).Take(count),
                nearest.ToArray());
        });

    [Fact]
    public void Range_holds_the_keys_that_a_member_is_among_the_nearest_of() =>
        Gen.Select(s_members, s_key, Gen.Int[1, 8]).Sample((members, key, rank) =>
        {
            RingView view = ViewOf(members, perSide: 64);
            Key[] nearest =
                [.. members.OrderBy(m => m, Comparer<Key>.Create(key.CompareNearness)).Take(rank)];
            Assert.All(members, m =>
                Assert.Equal(nearest.Contains(m), view.Range(m, rank)!.Value.Contains(key)));
        });

    [Fact]
    public void Reach_leaves_out_no_key_of_the_root_in_a_piece_of_the_ring() =>
        Gen.Select(s_hashed.HashSet[20, 60], Gen.Int[0, 1000]).Sample((distinct, step) =>
        {
            RingView view = ViewOf([.. distinct], perSide: 8);
            Arc root = view.Range(view.Self, 1)!.Value;
            Key key = root.Start;
            for (int at = 0; at < step; at++)
            {
                key += root.Length.ShiftRight(10);
            }

            Span<Key> near = new Key[10];
            near = near[..view.Nearest(key, near)];
            foreach (Key member in near)
            {
                Assert.True(view.Reach(member, 10)!.Value.Contains(key));
            }
        });

    [Fact]
    public void Nearest_do_not_change_between_two_change_points() =>
        Gen.Select(s_members, s_key, s_key).Sample((members, one, other) =>
        {
            RingView view = ViewOf(members, perSide: 64);
            var points = new List<Key>();
            view.AddChangePoints(5, points);
            bool isApart = points.Any(p => p != one && new Arc(one, other).Contains(p))
                || points.Contains(other);
            if (!isApart && one != other)
            {
                Assert.Equal(SetOf(view, one), SetOf(view, other));
            }
        });

    [Fact]
    public void Others_count_only_inside_the_piece_that_is_seen()
    {
        Key[] members = [.. Enumerable.Range(0, 32).Select(at => new Key((ulong)at << 59, 0, 0, 0))];
        NeighbourSet neighbours = NeighboursOf(members, members[16], perSide: 4);
        Key inside = members[16] + new Key(1, 0, 0, 0);
        RingView view = RingView.Of(neighbours, [inside, members[0]]);
        Assert.True(view.Contains(inside));
        Assert.False(view.Contains(members[0]));
        Assert.False(view.IsWhole);
    }

    private static HashSet<Key> SetOf(RingView view, Key key)
    {
        Span<Key> nearest = new Key[5];
        return [.. nearest[..view.Nearest(key, nearest)].ToArray()];
    }

    private static RingView ViewOf(Key[] members, int perSide) =>
        RingView.Of(NeighboursOf(members, members[0], perSide), []);

    private static NeighbourSet NeighboursOf(Key[] members, Key self, int perSide) => new(
        self,
        isMember: true,
        [.. members.Where(m => m != self).OrderBy(m => m - self).Take(perSide)],
        [.. members.Where(m => m != self).OrderBy(m => self - m).Take(perSide)],
        1);
}
