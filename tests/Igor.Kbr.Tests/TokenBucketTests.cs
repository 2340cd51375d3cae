namespace Igor.Kbr.Tests;

public class TokenBucketTests
{
    private readonly TokenBucket _bucket = new(perSecond: 10, burst: 5);

    [Fact]
    public void A_burst_is_free_and_what_exceeds_it_is_waited_for()
    {
        Assert.Equal(TimeSpan.Zero, _bucket.Take(TimeSpan.Zero, 5));
        Assert.Equal(TimeSpan.FromSeconds(0.2), _bucket.Take(TimeSpan.Zero, 2));
    }

    [Fact]
    public void Debt_is_paid_by_time_and_no_more_than_a_burst_gathers()
    {
        _bucket.Take(TimeSpan.Zero, 10);
        Assert.Equal(TimeSpan.Zero, _bucket.Take(TimeSpan.FromSeconds(0.6), 1));
        Assert.Equal(TimeSpan.FromSeconds(0.1), _bucket.Take(TimeSpan.FromSeconds(100), 6));
    }
}
