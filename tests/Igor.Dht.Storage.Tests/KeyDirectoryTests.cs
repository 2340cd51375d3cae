using CsCheck;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

namespace Igor.Dht.Storage.Tests;

public sealed class KeyDirectoryTests
{
    private const long Seed = 4711;

    // What XxHash3 multiplies the second eight bytes with is zero for these first eight, under seed 0.
    private const ulong FallsTogetherUnderSeedZero = 0xB8FE_6C39_23A4_4BBE;

    [Fact]
    public void Directory_agrees_with_a_dictionary() =>
        Gen.Select(Gen.Int[0, 3000], Gen.Int[0, 1_000_000], Gen.Bool).Array[0, 4000].Sample(
            steps =>
            {
                var directory = new KeyDirectory(1024 * 1024, Seed);
                var model = new Dictionary<Key, Place>();
                foreach ((int number, int unit, bool isRemoval) in steps)
                {
                    Key key = Key.HashOf("key " + number);
                    Place? previous = model.TryGetValue(key, out Place known) ? known : null;
                    if (isRemoval)
                    {
                        directory.Remove(key, previous);
                        model.Remove(key);
                    }
                    else
                    {
                        var place = new Place(number % 7, unit * 8L, 0);
                        Assert.True(directory.Set(key, place, previous));
                        model[key] = place;
                    }
                }

                for (int number = 0; number <= 3000; number++)
                {
                    Key key = Key.HashOf("key " + number);
                    bool isFound = directory.TryFind(key, out int segment, out long offset);
                    Assert.Equal(model.TryGetValue(key, out Place expected), isFound);
                    Assert.True(!isFound || (segment, offset) == (expected.Segment, expected.Offset));
                }
            },
            iter: 30);

    [Fact]
    public void Directory_that_is_full_says_that_it_is_incomplete()
    {
        var directory = new KeyDirectory(16 * 1024, Seed);
        int kept = Enumerable.Range(0, 2000)
            .Count(i => directory.Set(Key.HashOf("key " + i), new Place(1, i * 8, 0), null));

        Assert.InRange(kept, 500, 1024);
        Assert.False(directory.IsComplete);
        Assert.InRange(directory.Bytes, 1, 16 * 1024);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Keys_that_differ_in_one_part_only_do_not_fall_together(int part)
    {
        var directory = new KeyDirectory(16 * 1024, Seed);
        Key[] keys = [.. Enumerable.Range(0, 100).Select(i =>
        {
            ulong[] parts = [1, 2, 3, 4];
            parts[part] = (ulong)i;
            return new Key(parts[0], parts[1], parts[2], parts[3]);
        })];

        for (int i = 0; i < keys.Length; i++)
        {
            Assert.True(directory.Set(keys[i], new Place(1, i * 8, 0), null));
        }

        for (int i = 0; i < keys.Length; i++)
        {
            Assert.True(directory.TryFind(keys[i], out _, out long offset));
            Assert.Equal(i * 8, offset);
        }
    }

    [Fact]
    public void Key_whose_hash_another_has_is_not_called_absent()
    {
        var directory = new KeyDirectory(16 * 1024, seed: 0);
        var first = new Key(FallsTogetherUnderSeedZero, 1, 0, 0);
        var second = new Key(FallsTogetherUnderSeedZero, 2, 0, 0);
        var placeOfFirst = new Place(1, 16, 0);
        var placeOfSecond = new Place(1, 32, 0);
        directory.Set(first, placeOfFirst, null);
        directory.Remove(second, null);
        Assert.True(directory.TryFind(first, out _, out _));
        Assert.True(directory.IsComplete);

        directory.Set(second, placeOfSecond, null);
        directory.Remove(second, placeOfSecond);

        Assert.False(directory.TryFind(first, out _, out _));
        Assert.False(directory.IsComplete);
        Assert.True(directory.HasLeftOut);
    }
}
