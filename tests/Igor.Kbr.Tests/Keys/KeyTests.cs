using System.Numerics;
using CsCheck;

namespace Igor.Kbr.Tests.Keys;

public class KeyTests
{
    internal static readonly Gen<Key> Keys =
        Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong, Gen.ULong, (a, b, c, d) => new Key(a, b, c, d));

    private static readonly BigInteger Ring = BigInteger.One << 256;

    [Fact]
    public void Arithmetic_is_that_of_integers_modulo_two_to_the_256() =>
        Gen.Select(Keys, Keys).Sample((a, b) =>
            Big(a + b) == (Big(a) + Big(b)) % Ring
            && Big(a - b) == (Big(a) - Big(b) + Ring) % Ring
            && Big(a.Half()) == Big(a) / 2
            && a.CompareTo(b) == Big(a).CompareTo(Big(b))
            && Big(a & b) == (Big(a) & Big(b)));

    [Fact]
    public void Text_and_bytes_round_trip() =>
        Keys.Sample(key => Key.Parse(key.ToString()) == key && Key.Read(key.ToBytes()) == key);

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("zz00000000000000000000000000000000000000000000000000000000000000")]
    public void TryParse_of_something_else_fails(string text) => Assert.False(Key.TryParse(text, out _));

    [Fact]
    public void Distance_is_the_shorter_way_and_symmetric() =>
        Gen.Select(Keys, Keys).Sample((a, b) =>
            a.DistanceTo(b) == b.DistanceTo(a)
            && Big(a.DistanceTo(b)) == BigInteger.Min(Big(a - b), Big(b - a)));

    [Fact]
    public void Nearness_is_a_total_order_so_that_every_key_has_one_root() =>
        Gen.Select(Keys, Keys, Keys).Sample((key, a, b) =>
            Math.Sign(key.CompareNearness(a, b)) == -Math.Sign(key.CompareNearness(b, a))
            && (key.CompareNearness(a, b) != 0 || a == b));

    [Fact]
    public void Nearness_prefers_the_clockwise_one_of_two_equally_far()
    {
        var key = new Key(0, 0, 0, 100);
        Assert.True(key.CompareNearness(new Key(0, 0, 0, 110), new Key(0, 0, 0, 90)) < 0);
    }

    [Fact]
    public void HighestBit_finds_powers_of_two()
    {
        for (int i = 0; i < 256; i++)
        {
            Assert.Equal(i, Key.PowerOfTwo(i).HighestBit());
        }

        Assert.Equal(-1, Key.Zero.HighestBit());
    }

    [Fact]
    public void ShiftRight_divides() =>
        Gen.Select(Keys, Gen.Int[0, 63]).Sample((key, bits) => Big(key.ShiftRight(bits)) == Big(key) >> bits);

    private static BigInteger Big(Key key) => new(key.ToBytes(), isUnsigned: true, isBigEndian: true);
}
