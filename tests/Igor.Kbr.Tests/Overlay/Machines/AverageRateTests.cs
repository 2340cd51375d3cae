using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Tests.Overlay.Machines;

public class AverageRateTests
{
    private readonly AverageRate _rate = new(At(1000));

    [Fact]
    public void Rate_of_the_first_minute_is_that_since_the_start()
    {
        Assert.Equal(0, _rate.Look(At(1000), 0));
        Assert.Equal(100, _rate.Look(At(1005), 500), 0.001);
        Assert.Equal(50, _rate.Look(At(1010), 500), 0.001);
        Assert.Equal(50, _rate.Look(At(1010), 500), 0.001);
        Assert.Equal(40, _rate.Look(At(1050), 2000), 0.001);
    }

    [Fact]
    public void Rate_follows_within_minutes_and_is_steady_where_the_total_is()
    {
        for (int second = 5; second <= 600; second += 5)
        {
            _rate.Look(At(1000 + second), 80 * second);
        }

        Assert.Equal(80, _rate.Look(At(1600), 48_000), 0.001);
        double later = 80;
        for (int second = 605; second <= 780; second += 5)
        {
            later = _rate.Look(At(1000 + second), 48_000);
        }

        Assert.InRange(later, 1, 5);
    }

    [Fact]
    public void Rate_after_a_long_time_without_a_look_is_that_of_this_time()
    {
        _rate.Look(At(1010), 1_000_000);
        Assert.Equal(10, _rate.Look(At(2010), 1_010_000), 0.001);
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
