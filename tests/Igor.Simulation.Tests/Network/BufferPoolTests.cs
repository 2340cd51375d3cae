using Igor.Simulation.Network;

namespace Igor.Simulation.Tests;

public class BufferPoolTests
{
    [Theory]
    [InlineData(1, 64)]
    [InlineData(64, 64)]
    [InlineData(65, 128)]
    [InlineData(65_536, 65_536)]
    [InlineData(65_537, 65_537)]
    public void Buffer_is_as_large_as_the_next_power_of_two_up_to_64_KiB(int bytes, int expected) =>
        Assert.Equal(expected, new BufferPool().Rent(bytes).Length);

    [Fact]
    public void Buffers_come_back_and_none_is_given_to_two()
    {
        var pool = new BufferPool();
        byte[] first = pool.Rent(100);
        byte[] second = pool.Rent(100);
        Assert.NotSame(first, second);
        pool.Return(first);
        Assert.Same(first, pool.Rent(128));
        Assert.NotSame(first, pool.Rent(128));
    }
}
