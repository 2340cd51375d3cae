using CsCheck;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Rings;

public class RingTermsTests
{
    private const int PerSide = 4;
    private static readonly ServiceId Service = ServiceId.FromName("test");

    [Fact]
    public void Part_of_a_pair_is_the_same_on_both_sides_when_both_views_are_right() =>
        Gen.Select(Gen.ULong, Gen.Int[2, 24]).Sample((seed, count) =>
        {
            Key[] ring = TrueSets.Ring(seed, count);
            foreach (Key here in ring)
            {
                foreach (Key there in ring.Where(id => id != here))
                {
                    Assert.Equal(Terms(here, ring).PartOf(there), Terms(there, ring).PartOf(here));
                }
            }
        });

    [Fact]
    public void Part_of_a_pair_differs_when_one_lacks_a_node_that_both_must_know() =>
        Gen.Select(Gen.ULong, Gen.Int[3, 24], Gen.Int[0, 1000], Gen.Int[1, PerSide], Gen.Int[1, 1000])
            .Sample((seed, count, first, apart, other) =>
            {
                Key[] ring = TrueSets.Ring(seed, count);
                Key here = ring[first % count];
                Key there = ring[(first + apart) % count];
                // From as far back as the second one knows to as far ahead as the first one does.
                Key[] both =
                [
                    .. Enumerable.Range(first + apart - PerSide, (2 * PerSide) + 1 - apart)
                        .Select(i => ring[(i + count) % count])
                        .Where(id => id != here && id != there),
                ];
                if (apart % count == 0 || both.Length == 0)
                {
                    return;
                }

                Key lacked = both[other % both.Length];
                ulong mine = RingTerms.Of(Service, TrueSets.Of(here, ring, PerSide, lacked), PerSide)
                    .PartOf(there);
                Assert.NotEqual(mine, Terms(there, ring).PartOf(here));
            });

    [Fact]
    public void Part_is_none_for_who_is_no_neighbour_and_of_who_is_no_member()
    {
        Key[] ring = TrueSets.Ring(1, 24);
        Assert.Equal(0UL, Terms(ring[0], ring).PartOf(ring[12]));
        NeighbourSet set = TrueSets.Of(ring[0], ring, PerSide);
        var outside = new NeighbourSet(ring[0], isMember: false, set.Clockwise, set.CounterClockwise, 1);
        Assert.Equal(0UL, RingTerms.Of(Service, outside, PerSide).PartOf(ring[1]));
    }

    [Fact]
    public void Parts_of_two_services_differ_for_the_same_nodes()
    {
        Key[] ring = TrueSets.Ring(2, 24);
        NeighbourSet set = TrueSets.Of(ring[0], ring, PerSide);
        Assert.NotEqual(
            RingTerms.Of(Service, set, PerSide).PartOf(ring[1]),
            RingTerms.Of(ServiceId.Base, set, PerSide).PartOf(ring[1]));
    }

    [Fact]
    public void Digest_of_a_pair_is_that_of_the_rings_as_they_are_now()
    {
        Key[] ring = TrueSets.Ring(3, 24);
        Key[] smaller = [.. ring.Where((_, i) => i != 2)];
        var peers = new PeerTable();
        var changed = new PairDigests(peers);
        Peer[] all =
        [
            .. ring[1..].Select(id =>
                new Peer(id, new Link(new LinkId(1), id, false, LinkPurpose.Neighbour, "a:1"))),
        ];
        Array.ForEach(all, peers.Add);
        RingTerms first = Terms(ring[0], ring);
        RingTerms second = Terms(ring[0], smaller);
        RingTerms other = RingTerms.Of(ServiceId.Base, TrueSets.Of(ring[0], ring, PerSide), PerSide);
        changed.Replace(RingTerms.None, first);
        changed.Replace(RingTerms.None, other);
        changed.Replace(first, second);

        Assert.Equal(second.PartOf(ring[1]) + other.PartOf(ring[1]), changed.Of(all[0]));
        Assert.Equal(other.PartOf(ring[2]), changed.Of(all[1]));
        Assert.True(changed.IsAdjacent(all[0]));
        Assert.False(changed.IsAdjacent(all[1]));
        changed.Replace(second, RingTerms.None);
        changed.Replace(other, RingTerms.None);
        Assert.All(all, peer => Assert.Equal(0UL, changed.Of(peer)));
        Assert.All(all, peer => Assert.False(changed.IsAdjacent(peer)));
    }

    private static RingTerms Terms(Key self, Key[] ring) =>
        RingTerms.Of(Service, TrueSets.Of(self, ring, PerSide), PerSide);
}
