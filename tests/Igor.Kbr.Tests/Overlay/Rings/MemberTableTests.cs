using CsCheck;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Rings;

public class MemberTableTests
{
    private static readonly Key Self = Id(100);

    // Few ids that lie close, also across the top of the ring and opposite one another: distances tie.
    private static readonly Gen<Key> Keys = Gen.OneOf(
        Gen.ULong[0, 24].Select(Id),
        Gen.ULong[0, 24].Select(value => Key.Max - Id(value)),
        Gen.ULong[0, 24].Select(value => Key.PowerOfTwo(255) + Id(value)),
        Gen.ULong.Select(value => new Key(value, 0, 0, 0)));

    [Fact]
    public void Member_is_added_and_removed_once()
    {
        var table = new MemberTable(Self);
        Peer peer = Make(Id(7));
        Assert.True(table.Add(peer));
        Assert.False(table.Add(peer));
        Assert.True(table.Contains(peer));
        Assert.True(table.Remove(peer));
        Assert.False(table.Remove(peer));
        Assert.False(table.Contains(peer));
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void Another_connection_of_the_same_node_is_not_the_member()
    {
        var table = new MemberTable(Self);
        table.Add(Make(Id(7)));
        Peer later = Make(Id(7));
        Assert.False(table.Contains(later));
        Assert.False(table.Remove(later));
        Assert.Equal(1, table.Count);
    }

    [Fact]
    public void Neighbours_go_round_the_ring_on_both_sides()
    {
        MemberTable table = Table(Self, Id(10), Id(90), Id(150), Id(160));
        int[] places = [0, 1, 2, 3];
        Assert.Equal([Id(150), Id(160), Id(10), Id(90)], places.Select(i => table.Clockwise(i).Id));
        Assert.Equal([Id(90), Id(10), Id(160), Id(150)], places.Select(i => table.CounterClockwise(i).Id));
    }

    [Fact]
    public void Of_two_equally_far_the_one_clockwise_is_nearer() =>
        Assert.Equal([Id(21), Id(19)], Walk(Table(Self, Id(19), Id(21)), Id(20)));

    [Fact]
    public void Changed_table_is_the_sorted_set_of_its_members() =>
        Gen.Select(Keys, Gen.Bool).Array[0, 60].Sample(changes =>
        {
            var table = new MemberTable(Self);
            var naive = new SortedDictionary<Key, Peer>();
            foreach ((Key id, bool comes) in changes)
            {
                if (comes)
                {
                    Peer peer = Make(id);
                    Assert.Equal(naive.TryAdd(id, peer), table.Add(peer));
                }
                else
                {
                    Assert.Equal(
                        naive.Remove(id, out Peer? peer), table.Remove(peer ?? Make(id)));
                }
            }

            var listed = new List<Peer>();
            foreach (Peer peer in table.All)
            {
                listed.Add(peer);
            }

            Assert.Equal(naive.Values, listed);
            Assert.Equal(naive.Values, Enumerable.Range(0, table.Count).Select(i => table[i]));
        });

    [Fact]
    public void Walk_meets_every_member_in_order_of_nearness() => Gen.Select(Keys.Array[0, 40], Keys).Sample(
        (ids, key) =>
        {
            List<Key> expected = [.. ids.Distinct()];
            expected.Sort(key.CompareNearness);
            Assert.Equal(expected, Walk(Table(Self, ids), key));
        });

    [Fact]
    public void Nearest_on_either_side_are_those_with_few_between() => Gen.Select(
        Keys, Keys.Array[0, 40], Keys, Gen.Int[1, 6]).Sample(
        (self, ids, asked, perSide) =>
        {
            Key[] members = [.. ids.Where(id => id != self).Distinct()];
            if (asked == self)
            {
                return;
            }

            Key[] others = [.. members.Where(id => id != asked)];
            int clockwise = others.Count(id => id - self < asked - self);
            int back = others.Count(id => self - id < self - asked);
            Assert.Equal(
                clockwise < perSide || back < perSide,
                Table(self, members).IsAmongNearest(asked, perSide));
        });

    private static List<Key> Walk(MemberTable table, Key key)
    {
        var met = new List<Key>();
        foreach (Peer peer in table.NearestTo(key))
        {
            met.Add(peer.Id);
        }

        return met;
    }

    private static MemberTable Table(Key self, params Key[] ids)
    {
        var table = new MemberTable(self);
        foreach (Key id in ids)
        {
            table.Add(Make(id));
        }

        return table;
    }

    private static Peer Make(Key id) =>
        new(id, new Link(new LinkId(1), id, true, LinkPurpose.Neighbour, "a:1"));

    private static Key Id(ulong value) => new(0, 0, 0, value);
}
