using CsCheck;
using Igor.Kbr.Overlay.Clocks;

namespace Igor.Kbr.Tests.Overlay.Clocks;

public class ClockConsensusTests
{
    private const long T = 1_800_000_000_000;
    private const long Day = 86_400_000;
    private const long Year = 365 * Day;

    [Theory]
    [InlineData(new[] { T, T, T, T + Day }, T)]
    [InlineData(new[] { T + Day, T, T, T }, T)]
    [InlineData(new[] { 0L, T, T, T, T }, T)]
    [InlineData(new[] { T + (10 * Year), T + 100, T - 100, T + 200, T }, T + 50)]
    [InlineData(new[] { T + Day, T + 10, T }, T + 5)] // two of three
    [InlineData(new[] { T, T + Day, T + 1000 }, T + 500)]
    [InlineData(new[] { T + 4000, T, T + 1000 }, T + 1000)]
    public void Judge_of_enough_clocks_that_agree_is_their_median(long[] clocks, long expected)
    {
        ClockVerdict verdict = ClockConsensus.Judge(clocks[0], clocks.AsSpan(1));
        Assert.True(verdict.IsAgreed);
        Assert.Equal(expected, verdict.TimeMs);
    }

    [Theory]
    [InlineData(new[] { T })]
    [InlineData(new[] { T, T + Day })]
    [InlineData(new[] { T, T + 100 })]
    [InlineData(new[] { T, T + Day, T - Day })]
    [InlineData(new[] { T, T + Day, T - Day, T - Day + 100 })] // two of four
    [InlineData(new[] { T, T + 5001, T + 10_002, T - 5001 })]
    public void Judge_of_fewer_is_the_own_clock(long[] clocks)
    {
        ClockVerdict verdict = ClockConsensus.Judge(clocks[0], clocks.AsSpan(1));
        Assert.False(verdict.IsAgreed);
        Assert.Equal(T, verdict.TimeMs);
    }

    [Fact]
    public void Judge_between_equal_groups_takes_the_own_one()
    {
        long[] others = [T + Day, T + Day, T + Day, T, T];
        Assert.Equal(T, ClockConsensus.Judge(T, others).TimeMs);
        Assert.Equal(T + Day, ClockConsensus.Judge(T + Day, [T, T, T, T + Day, T + Day]).TimeMs);
    }

    [Fact]
    public void Judge_is_right_whatever_a_minority_shows()
    {
        var clocks = Gen.Select(
            Gen.Long[-2000, 2000].Array[3, 20],
            Gen.OneOf(Gen.Long[-T, 200 * Year], Gen.Const(Day), Gen.Const(-Day)).Array[0, 20],
            Gen.Int[0, 1000]);
        clocks.Sample((right, wrong, chosen) =>
        {
            long[] all = [.. right, .. wrong.Take(right.Length - 1)];
            int own = chosen % all.Length; // the own clock may be any of them
            long[] others = [.. all.Where((_, at) => at != own).Select(offset => T + offset)];
            ClockVerdict verdict = ClockConsensus.Judge(T + all[own], others);
            Assert.True(verdict.IsAgreed);
            Assert.InRange(verdict.TimeMs, T - 7000, T + 7000);
            Assert.True(verdict.Agreeing >= right.Length);
        });
    }
}
