using CsCheck;
using Igor.Dht.Cli.Values;

namespace Igor.Dht.Cli.Tests;

public class DurationTests
{
    [Theory]
    [InlineData("1s", 1)]
    [InlineData("90s", 90)]
    [InlineData("15m", 900)]
    [InlineData("12h", 43_200)]
    [InlineData("7d", 604_800)]
    [InlineData("1.5h", 5_400)]
    [InlineData("36500d", 3_153_600_000)]
    public void Duration_with_a_unit_is_read(string text, long seconds)
    {
        Assert.True(Duration.TryParse(text, out TimeSpan duration));
        Assert.Equal(seconds, duration.TotalSeconds);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("90")]
    [InlineData("0s")]
    [InlineData("-1s")]
    [InlineData("1 s")]
    [InlineData("1S")]
    [InlineData("1,5h")]
    [InlineData("1e3s")]
    [InlineData("36501d")]
    [InlineData("99999999999999999999999d")]
    [InlineData("NaNs")]
    [InlineData("1m30s")]
    public void Duration_that_is_none_is_refused(string? text)
    {
        Assert.False(Duration.TryParse(text, out _));
    }

    [Fact]
    public void Duration_never_throws()
    {
        Gen.String.Sample(
            text => !Duration.TryParse(text, out TimeSpan duration) || duration > TimeSpan.Zero);
    }
}
