using Igor.Kbr.Overlay.Rings;

namespace Igor.Kbr.Tests.Overlay.Rings;

public class RingSizeTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(16, 16)]
    public void Size_of_a_ring_that_is_known_whole_is_exact(int count, int expected)
    {
        Key[] ring = TrueSets.Ring(1, count);
        Assert.Equal(expected, RingSize.Estimate(TrueSets.Of(ring[0], ring, perSide: 8)));
    }

    [Theory]
    [InlineData(18)]
    [InlineData(1000)]
    [InlineData(20_000)]
    public void Size_of_a_larger_ring_is_right_on_average(int count)
    {
        Key[] ring = TrueSets.Ring(2, count);
        double mean = Enumerable.Range(0, 400)
            .Select(i => i * count / 400)
            .Average(i => RingSize.Estimate(new NeighbourSet(
                ring[i],
                isMember: true,
                [.. Enumerable.Range(1, 8).Select(k => ring[(i + k) % count])],
                [.. Enumerable.Range(1, 8).Select(k => ring[(i + count - k) % count])],
                version: 1)));
        Assert.InRange(mean, 0.9 * count, 1.1 * count);
    }
}
