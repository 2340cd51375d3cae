using Igor.Kbr.Overlay.Upkeep;

namespace Igor.Kbr.Tests.Overlay.Upkeep;

public class HeartbeatTimeTests
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);
    private readonly SeededRandom _random = new(1);
    private HeartbeatTime _time = new();

    [Fact]
    public void Heartbeat_is_due_a_period_after_the_last_give_or_take_a_tenth()
    {
        _time.HandleSent(At(0), Period, _random);
        Assert.InRange(_time.DueAt, At(9), At(11));
    }

    [Fact]
    public void Heartbeat_that_is_hastened_is_due_earlier_and_never_later()
    {
        _time.HandleSent(At(0), Period, _random);
        _time.Hasten(At(2));
        Assert.Equal(At(2), _time.DueAt);
        _time.Hasten(At(3));
        Assert.Equal(At(2), _time.DueAt);
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
