using Igor.Simulation.Engine;
using Igor.Simulation.Scenarios;

namespace Igor.Simulation.Tests;

public class SessionTimesTests
{
    private const int Samples = 20_000;

    [Theory]
    [InlineData(1, 1.4427)]
    [InlineData(0.59, 2.871)]
    [InlineData(2, 1.0645)]
    public void Sessions_have_the_median_and_the_mean_of_their_distribution(double shape, double meanOfMedian)
    {
        var times = new SessionTimes(new SimRandom(5), TimeSpan.FromMinutes(10), shape);
        var minutes = Enumerable.Range(0, Samples).Select(_ => times.Next().TotalMinutes).Order().ToList();
        Assert.InRange(minutes[Samples / 2], 9.5, 10.5);
        Assert.InRange(minutes.Average() / 10, meanOfMedian * 0.95, meanOfMedian * 1.05);
    }

    [Theory]
    [InlineData(1, 1.4427)] // exponential: as a whole session, which has no memory
    [InlineData(2, 0.678)] // half of the mean square over the mean
    public void What_is_left_of_sessions_is_drawn_by_their_length(double shape, double meanOfMedian)
    {
        var times = new SessionTimes(new SimRandom(5), TimeSpan.FromMinutes(10), shape);
        double mean = times.Residuals().Take(Samples).Average(time => time.TotalMinutes);
        Assert.InRange(mean / 10, meanOfMedian * 0.95, meanOfMedian * 1.05);
    }
}
