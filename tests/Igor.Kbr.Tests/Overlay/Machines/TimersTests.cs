using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Tests.Overlay.Machines;

public class TimersTests
{
    [Fact]
    public void Periodic_work_that_throws_is_done_again()
    {
        var timers = new Timers();
        int done = 0;
        timers.Repeat(TimeSpan.Zero, () => TimeSpan.FromSeconds(1), _ =>
        {
            if (++done == 1)
            {
                throw new InvalidOperationException("a bug");
            }
        });

        Assert.Throws<InvalidOperationException>(() => timers.RunDue(TimeSpan.FromSeconds(1)));
        timers.RunDue(TimeSpan.FromSeconds(2));

        Assert.Equal(2, done);
    }

    [Fact]
    public void Work_that_throws_keeps_nothing_else_from_being_done()
    {
        var timers = new Timers();
        bool isDone = false;
        timers.Schedule(TimeSpan.FromSeconds(1), _ => throw new InvalidOperationException("a bug"));
        timers.Schedule(TimeSpan.FromSeconds(1), _ => isDone = true);

        Assert.Throws<InvalidOperationException>(() => timers.RunDue(TimeSpan.FromSeconds(1)));
        timers.RunDue(TimeSpan.FromSeconds(1));

        Assert.True(isDone);
    }
}
