using CsCheck;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Views;

public class PieceMapTests
{
    // Keys 0 to 63 in the top six bits; between two of them there are no ends of spans.
    private static readonly Key[] s_ring = [.. Enumerable.Range(0, 64).Select(At)];

    // Few values, so that neighbours are often equal: none, or one of three that are made anew each time.
    private static readonly Gen<(KeySpan Span, Piece? Piece)> s_change =
        Gen.Select(Gen.Int[0, 63], Gen.Int[0, 63], Gen.Int[0, 3])
            .Select((a, b, value) => (SpanOf(Math.Min(a, b), Math.Max(a, b)), Value(value)));

    [Fact]
    public void Map_says_of_each_key_what_a_dictionary_says() => s_change.Array[0, 40].Sample(changes =>
    {
        var map = new PieceMap();
        var keys = s_ring.ToDictionary(key => key, _ => (Piece?)null);
        foreach ((KeySpan span, Piece? piece) in changes)
        {
            Assert.True(map.TrySet(span, piece));
            foreach (Key key in s_ring.Where(key => key >= span.First && key <= span.Last))
            {
                keys[key] = piece;
            }

            Assert.All(s_ring, key => Assert.Equal(keys[key], map.Find(key)));
            int ends = s_ring.Zip(s_ring[1..]).Count(pair => keys[pair.First] != keys[pair.Second]);
            Assert.Equal(1 + ends, map.Count);
        }
    });

    [Fact]
    public void Parts_of_a_span_cover_it_without_gaps_and_differ_from_their_neighbours() =>
        Gen.Select(s_change.Array[0, 20], s_change).Sample((changes, asked) =>
        {
            var map = new PieceMap();
            Array.ForEach(changes, change => map.TrySet(change.Span, change.Piece));

            (KeySpan Span, Piece? Piece)[] parts = [.. map.Within(asked.Span)];

            Assert.Equal(asked.Span, new KeySpan(parts[0].Span.First, parts[^1].Span.Last));
            Assert.All(parts, part => Assert.Equal(map.Find(part.Span.First), part.Piece));
            Assert.All(parts, part => Assert.Equal(map.Find(part.Span.Last), part.Piece));
            Assert.All(parts.Zip(parts[1..]), pair =>
            {
                Assert.Equal(pair.First.Span.Last + KeySpan.One, pair.Second.Span.First);
                Assert.NotEqual(pair.First.Piece, pair.Second.Piece);
            });
        });

    [Fact]
    public void Part_of_a_piece_is_split_off_and_joins_again()
    {
        var map = new PieceMap();
        map.TrySet(new KeySpan(Key.Zero, Key.Max), Value(1));
        map.TrySet(SpanOf(8, 15), Value(2));
        Assert.Equal(3, map.Count);
        map.TrySet(SpanOf(8, 15), Value(1));
        var whole = new KeySpan(Key.Zero, Key.Max);
        Assert.Equal((whole, Value(1)), Assert.Single(map.Within(whole)));
    }

    [Fact]
    public void Map_that_is_full_takes_only_what_divides_it_no_further()
    {
        var map = new PieceMap();
        var whole = new KeySpan(Key.Zero, Key.Max);
        for (uint at = 0; map.Count < PieceMap.PartsMax; at++)
        {
            Assert.True(map.TrySet(new KeySpan(new(0, 0, 0, at), Key.Max), Value(1 + (int)(at % 2))));
        }

        (KeySpan Span, Piece? Piece)[] before = [.. map.Within(whole)];
        Assert.False(map.TrySet(SpanOf(8, 15), Value(3)));
        Assert.Equal(before, map.Within(whole));
        Assert.True(map.TrySet(before[1].Span, Value(3)));
        Assert.True(map.TrySet(whole, Value(3)));
        Assert.Equal(1, map.Count);
    }

    private static Key At(int index) => new((ulong)index << 58, 0, 0, 0);

    private static KeySpan SpanOf(int first, int last) =>
        new(At(first), last == 63 ? Key.Max : At(last + 1) - KeySpan.One);

    private static Piece? Value(int value)
    {
        var voter = new Voter(Key.Max, 1);
        return value == 0
            ? null
            : new Piece(new View(default, 1, [voter]), new Ballot((ulong)value, voter), Ballot.None, 0, null);
    }
}
