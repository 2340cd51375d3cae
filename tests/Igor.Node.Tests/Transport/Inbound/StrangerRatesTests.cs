using System.Net;

namespace Igor.Node.Tests;

public class StrangerRatesTests
{
    private static readonly IPAddress Here = IPAddress.Parse("10.0.0.1");
    private static readonly IPAddress There = IPAddress.Parse("10.0.0.2");

    private readonly StrangerRates _rates =
        new(new TransportOptions { StrangerFramesPerSecond = 100, StrangerBytesPerSecond = 1 << 20 })
        {
            HasMembers = true,
        };

    [Fact]
    public void A_stranger_that_sends_more_than_its_burst_waits()
    {
        StrangerRates.Rate own = _rates.Open(Here);
        Assert.Equal(TimeSpan.Zero, Take(own, Here, 200));
        Assert.Equal(TimeSpan.FromSeconds(1), Take(own, Here, 100));
    }

    [Fact]
    public void Bytes_count_too()
    {
        StrangerRates.Rate own = _rates.Open(Here);
        Assert.Equal(TimeSpan.FromSeconds(1), _rates.Take(own, Here, TimeSpan.Zero, 1, 3 << 20));
    }

    [Fact]
    public void Many_strangers_of_one_address_share_and_others_are_free()
    {
        TimeSpan last = TimeSpan.Zero;
        for (int i = 0; i < 5; i++)
        {
            last = Take(_rates.Open(Here), Here, 200);
        }

        Assert.True(last > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, Take(_rates.Open(There), There, 200));
    }

    [Fact]
    public void All_strangers_together_have_a_bound()
    {
        TimeSpan last = TimeSpan.Zero;
        for (int i = 0; i < 9; i++)
        {
            IPAddress source = IPAddress.Parse($"10.0.1.{i}");
            last = Take(_rates.Open(source), source, 200);
        }

        Assert.True(last > TimeSpan.Zero);
    }

    [Fact]
    public void An_address_is_forgotten_with_its_last_link()
    {
        StrangerRates.Rate first = _rates.Open(Here);
        _rates.Open(Here);
        Take(first, Here, 800);
        _rates.Close(Here);
        Assert.True(Take(_rates.Open(Here), Here, 100) > TimeSpan.Zero);
        _rates.Close(Here);
        _rates.Close(Here);
        Assert.Equal(TimeSpan.Zero, Take(_rates.Open(Here), Here, 100));
    }

    [Fact]
    public void The_only_peer_of_a_node_without_members_takes_from_nobody()
    {
        _rates.HasMembers = false;
        StrangerRates.Rate own = _rates.Open(Here);
        Assert.Equal(TimeSpan.Zero, Take(own, Here, 100_000));
        StrangerRates.Rate second = _rates.Open(There);
        Assert.Equal(TimeSpan.Zero, Take(second, There, 200));
        Assert.True(Take(own, Here, 300) > TimeSpan.Zero);
    }

    private TimeSpan Take(StrangerRates.Rate own, IPAddress source, int frames) =>
        _rates.Take(own, source, TimeSpan.Zero, frames, frames);
}
