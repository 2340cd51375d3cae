using Igor.Simulation.Engine;

namespace Igor.Simulation.Tests;

public class SimRandomTests
{
    [Fact]
    public void Generator_of_a_seed_gives_the_published_numbers()
    {
        // xoshiro256** with SplitMix64(0) as its state, from the authors' reference code: the generator must
        // stay the same in every version, or old seeds mean nothing.
        var random = new SimRandom(0);
        Assert.Equal(0x99EC5F36CB75F2B4UL, random.NextUInt64());
        Assert.Equal(0xBF6E1F784956452AUL, random.NextUInt64());
        Assert.Equal(0x1A5F849D4933E6E0UL, random.NextUInt64());
    }

    [Fact]
    public void Generator_for_a_purpose_does_not_depend_on_numbers_drawn_before()
    {
        var first = new SimRandom(5);
        var second = new SimRandom(5);
        second.NextUInt64();
        Assert.Equal(first.For("faults").NextUInt64(), second.For("faults").NextUInt64());
        Assert.NotEqual(first.For("faults").NextUInt64(), first.For("latency").NextUInt64());
    }

    [Fact]
    public void Integers_fill_their_range_evenly()
    {
        var random = new SimRandom(1);
        int[] counts = new int[7];
        for (int i = 0; i < 70_000; i++)
        {
            counts[random.NextInt(7)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 9_500, 10_500));
    }

    [Fact]
    public void Sample_holds_each_item_at_most_once()
    {
        List<int> sample = new SimRandom(3).Sample(Enumerable.Range(0, 100), 40);
        Assert.Equal(40, sample.Distinct().Count());
    }
}
