using CsCheck;
using Igor.Kbr.Overlay.Rings;

namespace Igor.Kbr.Tests.Overlay.Rings;

public class SetComparisonTests
{
    private const int PerSide = 4;
    private static readonly ServiceId Service = ServiceId.FromName("test");

    [Fact]
    public void Neighbours_that_compare_their_sets_end_with_what_both_must_know() =>
        Gen.Select(Gen.ULong, Gen.Int[3, 24], Gen.Int[1, PerSide], Gen.Int[1, 0xFFFF])
            .Sample((seed, count, apart, lacking) =>
            {
                Key[] ring = TrueSets.Ring(seed, count);
                Key here = ring[0];
                Key there = ring[apart % count];
                if (here == there)
                {
                    return;
                }

                // Each lacks some of the others, by the bits of a number.
                HashSet<Key> known = [.. ring.Where((_, i) => (lacking >> (i % 8) & 1) == 0), here, there];
                HashSet<Key> knownThere =
                    [.. ring.Where((_, i) => (lacking >> (8 + (i % 8)) & 1) == 0), here, there];
                for (int round = 0; round < count && Exchange(here, known, there, knownThere); round++)
                {
                }

                NeighbourSet set = TrueSets.Of(here, known, PerSide);
                NeighbourSet farSet = TrueSets.Of(there, knownThere, PerSide);
                Assert.Equal(
                    RingTerms.Of(Service, set, PerSide).PartOf(there),
                    RingTerms.Of(Service, farSet, PerSide).PartOf(here));
            });

    [Fact]
    public void Neighbours_that_agree_have_nothing_to_tell() =>
        Gen.Select(Gen.ULong, Gen.Int[2, 24], Gen.Int[1, PerSide]).Sample((seed, count, apart) =>
        {
            Key[] ring = TrueSets.Ring(seed, count);
            if (apart % count != 0)
            {
                Assert.False(Exchange(ring[0], [.. ring], ring[apart % count], [.. ring]));
            }
        });

    [Fact]
    public void One_that_takes_a_far_node_for_its_neighbour_is_told_who_is_between()
    {
        Key[] ring = TrueSets.Ring(5, 40);
        NeighbourSet far = TrueSets.Of(ring[9], [ring[0], .. ring[9..20]], PerSide);
        List<Key> missing = SetComparison.MissingThere(
            Service,
            TrueSets.Of(ring[0], ring, PerSide),
            ring[9],
            RingTerms.Of(Service, far, PerSide).Known.AsSpan(),
            PerSide);
        Assert.Equal(ring[1..(PerSide + 1)], missing);
    }

    /// <summary>One comparison, begun here; returns whether anything was learned.</summary>
    private static bool Exchange(Key here, HashSet<Key> known, Key there, HashSet<Key> knownThere)
    {
        NeighbourSet set = TrueSets.Of(here, known, PerSide);
        NeighbourSet farSet = TrueSets.Of(there, knownThere, PerSide);
        uint[] terms = [.. RingTerms.Of(Service, set, PerSide).Known];
        uint[] farTerms = [.. RingTerms.Of(Service, farSet, PerSide).Known];
        List<Key> toldHere = SetComparison.MissingThere(Service, farSet, here, terms, PerSide);
        bool asksBack = SetComparison.IsMissingHere(
            farTerms, RingTerms.Short(RingTerms.Term(Service, there)), terms, PerSide);
        List<Key> toldThere =
            asksBack ? SetComparison.MissingThere(Service, set, there, farTerms, PerSide) : [];
        known.UnionWith(toldHere);
        knownThere.UnionWith(toldThere);
        return toldHere.Count + toldThere.Count > 0;
    }
}
