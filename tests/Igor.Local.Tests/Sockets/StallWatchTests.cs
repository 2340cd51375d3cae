using Igor.Local.Sockets;

namespace Igor.Local.Tests.Sockets;

public sealed class StallWatchTests
{
    private readonly StallWatch _watch = new(TimeSpan.FromSeconds(10));

    [Fact]
    public void Nothing_that_waits_never_stalls()
    {
        Assert.False(At(0, 0, 0));
        Assert.False(At(100, 0, 0));
    }

    [Fact]
    public void Bytes_that_do_not_move_stall_after_the_patience()
    {
        Assert.False(At(0, 100, 0));
        Assert.False(At(9, 5000, 0));
        Assert.True(At(10, 5000, 0));
    }

    [Fact]
    public void Byte_a_second_is_no_movement()
    {
        bool isStalled = false;
        for (int second = 0; second <= 10; second++)
        {
            isStalled = At(second, 1_000_000, second);
        }

        Assert.True(isStalled);
    }

    [Fact]
    public void Slow_but_steady_reader_goes_on()
    {
        for (int second = 0; second <= 300; second += 5)
        {
            Assert.False(At(second, 1_000_000, second * 4096));
        }
    }

    [Fact]
    public void All_of_a_little_is_enough()
    {
        Assert.False(At(0, 100, 0));
        Assert.False(At(10, 50, 100));
        Assert.False(At(19, 50, 100));
        Assert.True(At(20, 50, 100));
    }

    [Fact]
    public void Little_may_wait_for_ever_where_that_is_said()
    {
        var watch = new StallWatch(TimeSpan.FromSeconds(10), waitingMin: 1000);
        Assert.False(watch.IsStalled(TimeSpan.Zero, 999, 0));
        Assert.False(watch.IsStalled(TimeSpan.FromHours(1), 999, 0));
    }

    private bool At(int seconds, long waiting, long moved) =>
        _watch.IsStalled(TimeSpan.FromSeconds(seconds), waiting, moved);
}
