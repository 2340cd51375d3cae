using System.Net;
using Igor.Kbr;
using Igor.Node.Transport.Admission;

namespace Igor.Node.Tests;

public class StrangerRatesTests
{
    private static readonly IPAddress Here = IPAddress.Parse("10.0.0.1");
    private static readonly IPAddress There = IPAddress.Parse("10.0.0.2");

    private ulong _opened;

    private readonly StrangerRates _rates =
        new(framesPerSecond: 100, bytesPerSecond: 1 << 20)
        {
            HasMembers = true,
        };

    [Fact]
    public void A_stranger_that_sends_more_than_its_burst_waits()
    {
        StrangerRates.Rate own = Open(Here);
        Assert.Equal(TimeSpan.Zero, Take(own, Here, 200));
        Assert.Equal(TimeSpan.FromSeconds(1), Take(own, Here, 100));
    }

    [Fact]
    public void Bytes_count_too()
    {
        StrangerRates.Rate own = Open(Here);
        Assert.Equal(TimeSpan.FromSeconds(1), _rates.Take(own, Here, TimeSpan.Zero, 1, 3 << 20));
    }

    [Fact]
    public void Many_strangers_of_one_address_share_and_others_are_free()
    {
        TimeSpan last = TimeSpan.Zero;
        for (int i = 0; i < 5; i++)
        {
            last = Take(Open(Here), Here, 200);
        }

        Assert.True(last > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, Take(Open(There), There, 200));
    }

    [Fact]
    public void All_strangers_together_have_a_bound()
    {
        TimeSpan last = TimeSpan.Zero;
        for (int i = 0; i < 9; i++)
        {
            IPAddress source = IPAddress.Parse($"10.0.1.{i}");
            last = Take(Open(source), source, 200);
        }

        Assert.True(last > TimeSpan.Zero);
    }

    [Fact]
    public void An_address_is_forgotten_with_its_last_link()
    {
        StrangerRates.Rate first = _rates.Open(Peer(1), Here);
        _rates.Open(Peer(2), Here);
        Take(first, Here, 800);
        _rates.Close(Peer(1), Here);
        Assert.True(Take(_rates.Open(Peer(3), Here), Here, 100) > TimeSpan.Zero);
        _rates.Close(Peer(2), Here);
        _rates.Close(Peer(3), Here);
        Assert.Equal(TimeSpan.Zero, Take(_rates.Open(Peer(4), Here), Here, 100));
    }

    [Fact]
    public void The_only_peer_of_a_node_without_members_takes_from_nobody()
    {
        _rates.HasMembers = false;
        StrangerRates.Rate own = Open(Here);
        Assert.Equal(TimeSpan.Zero, Take(own, Here, 100_000));
        StrangerRates.Rate second = Open(There);
        Assert.Equal(TimeSpan.Zero, Take(second, There, 200));
        Assert.True(Take(own, Here, 300) > TimeSpan.Zero);
    }

    [Fact]
    public void A_newcomer_does_not_pay_for_what_a_crowd_has_sent()
    {
        for (int i = 0; i < 100; i++)
        {
            Take(Open(Here), Here, 2340);
        }

        StrangerRates.Rate there = Open(There);
        Assert.InRange(Take(there, There, 4), TimeSpan.FromTicks(1), TimeSpan.FromSeconds(0.6));
        StrangerRates.Rate here = Open(Here);
        Assert.InRange(Take(here, Here, 4), TimeSpan.FromTicks(1), TimeSpan.FromSeconds(1.1));
    }

    [Fact]
    public void Who_shares_with_none_waits_for_what_it_sent_itself_alone()
    {
        for (int i = 0; i < 100; i++)
        {
            Take(Open(Here), Here, 2340);
        }

        StrangerRates.Rate own = Open(Here);
        Assert.Equal(TimeSpan.Zero, _rates.Take(own, null, TimeSpan.Zero, 200, 200));
        Assert.Equal(TimeSpan.FromSeconds(1), _rates.Take(own, null, TimeSpan.Zero, 100, 100));
    }

    [Fact]
    public void Several_links_of_one_peer_have_one_rate()
    {
        StrangerRates.Rate first = _rates.Open(Peer(1), Here);
        StrangerRates.Rate second = _rates.Open(Peer(1), There);
        Assert.Equal(TimeSpan.Zero, Take(first, Here, 200));
        Assert.Equal(TimeSpan.FromSeconds(1), Take(second, There, 100));
    }

    private static Key Peer(ulong number) => new(0, 0, 0, number);

    private StrangerRates.Rate Open(IPAddress source) => _rates.Open(Peer(1000 + _opened++), source);

    private TimeSpan Take(StrangerRates.Rate own, IPAddress source, int frames) =>
        _rates.Take(own, source, TimeSpan.Zero, frames, frames);
}
