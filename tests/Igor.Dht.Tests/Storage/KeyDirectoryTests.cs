using CsCheck;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

namespace Igor.Dht.Tests.Storage;

public sealed class KeyDirectoryTests
{
    [Fact]
    public void Directory_agrees_with_a_dictionary() =>
        Gen.Select(Gen.Int[0, 3000], Gen.Int[0, 1_000_000], Gen.Bool).Array[0, 4000].Sample(
            steps =>
            {
                var directory = new KeyDirectory(1024 * 1024);
                var model = new Dictionary<Key, Place>();
                foreach ((int number, int unit, bool isRemoval) in steps)
                {
                    Key key = Key.HashOf("key " + number);
                    if (isRemoval)
                    {
                        directory.Remove(key);
                        model.Remove(key);
                    }
                    else
                    {
                        var place = new Place(number % 7, unit * 8L, 0);
                        Assert.True(directory.Set(key, place));
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
        var directory = new KeyDirectory(16 * 1024);
        int kept = Enumerable.Range(0, 2000)
            .Count(i => directory.Set(Key.HashOf("key " + i), new Place(1, i * 8, 0)));

        Assert.InRange(kept, 500, 1024);
        Assert.False(directory.IsComplete);
        Assert.InRange(directory.Bytes, 1, 16 * 1024);
    }
}
