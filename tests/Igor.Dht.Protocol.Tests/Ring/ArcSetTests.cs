using CsCheck;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Ring;

public class ArcSetTests
{
    // Keys 0 to 15 in the top four bits: a ring small enough to be checked key by key.
    private static readonly Key[] s_ring =
        [.. Enumerable.Range(0, 16).Select(at => new Key((ulong)at << 60, 0, 0, 0))];

    private static readonly Gen<Arc> s_arc = Gen.Select(Gen.Int[0, 15], Gen.Int[0, 15])
        .Select((start, end) => new Arc(s_ring[start], s_ring[end]));

    private static readonly Gen<Arc[]> s_arcs = s_arc.Array[0, 6];

    [Fact]
    public void Set_holds_exactly_the_keys_that_went_in_and_not_out() =>
        Gen.Select(s_arcs, s_arcs, s_arcs).Sample((added, removed, kept) =>
        {
            ArcSet set = Union(added);
            set.Remove(Union(removed));
            ArcSet both = set.Copy();
            both.Keep(Union(kept));
            foreach (Key key in s_ring)
            {
                bool isIn = added.Any(a => a.Contains(key)) && !removed.Any(a => a.Contains(key));
                Assert.Equal(isIn, set.Contains(key));
                Assert.Equal(isIn && kept.Any(a => a.Contains(key)), both.Contains(key));
            }
        });

    [Fact]
    public void Spans_are_ordered_and_apart() => s_arcs.Sample(arcs =>
    {
        KeySpan[] spans = [.. Union(arcs).Spans];
        Assert.All(spans, s => Assert.True(s.First <= s.Last));
        for (int at = 1; at < spans.Length; at++)
        {
            Assert.True(spans[at].First - spans[at - 1].Last > KeySpan.One);
        }
    });

    [Fact]
    public void Set_made_of_its_own_arcs_is_the_same() => s_arcs.Sample(arcs =>
    {
        ArcSet set = Union(arcs);
        Assert.Equal(set.Spans, Union([.. set.Arcs()]).Spans);
    });

    [Fact]
    public void Cover_means_every_key() => Gen.Select(s_arcs, s_arc).Sample((arcs, arc) =>
        Assert.Equal(s_ring.Where(arc.Contains).All(Union(arcs).Contains), Union(arcs).Covers(arc)));

    [Fact]
    public void Whole_ring_is_one_span()
    {
        ArcSet set = ArcSet.Of(Arc.Whole);
        Assert.Equal([new KeySpan(Key.Zero, Key.Max)], set.Spans);
        Assert.True(set.Arcs().Single().IsWhole);
        set.Remove(Arc.Whole);
        Assert.True(set.IsEmpty);
    }

    [Fact]
    public void Spans_of_an_arc_are_met_in_its_direction()
    {
        var middle = new Key(1, 0, 0, 0);
        Key before = middle - KeySpan.One;
        Assert.Equal(
            [new KeySpan(middle, Key.Max), new KeySpan(Key.Zero, before)],
            KeySpan.Of(new Arc(middle, middle)));
        Assert.Equal([new KeySpan(Key.Zero, before)], KeySpan.Of(new Arc(Key.Zero, middle)));
        Assert.Equal([new KeySpan(middle, Key.Max)], KeySpan.Of(new Arc(middle, Key.Zero)));
        Assert.Equal(
            [new KeySpan(Key.Max, Key.Max), new KeySpan(Key.Zero, before)],
            KeySpan.Of(new Arc(Key.Max, middle)));
    }

    private static ArcSet Union(Arc[] arcs)
    {
        var set = new ArcSet();
        foreach (Arc arc in arcs)
        {
            set.Add(arc);
        }

        return set;
    }
}
