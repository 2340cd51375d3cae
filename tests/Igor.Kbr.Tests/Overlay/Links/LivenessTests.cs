using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Links;

public class LivenessTests
{
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(80);

    private readonly LoneNode _node = new(new Key(0, 0, 0, 100), arePeersSilent: true);
    private readonly LinkId _link;

    public LivenessTests() => _link = _node.Connect(new Key(0, 0, 0, 900));

    [Fact]
    public void Pong_that_answers_no_ping_says_nothing_of_the_round_trip()
    {
        _node.Run(TimeSpan.FromSeconds(1));
        _node.Say(_link, new PongMessage((ulong)_node.Now.Ticks, 0));
        Assert.Null(_node.Overlay.Peers[0].RoundTrip);
    }

    [Fact]
    public void Pong_that_answers_a_ping_tells_the_round_trip_once()
    {
        PingMessage ping = NextPing();
        _node.Run(RoundTrip);
        _node.Say(_link, new PongMessage(ping.Nonce, 0));
        Assert.Equal(RoundTrip, _node.Overlay.Peers[0].RoundTrip);
        _node.Run(TimeSpan.FromSeconds(1));
        _node.Say(_link, new PongMessage(ping.Nonce, 0));
        Assert.Equal(RoundTrip, _node.Overlay.Peers[0].RoundTrip);
    }

    [Fact]
    public void Pong_with_another_number_than_the_ping_that_waits_says_nothing_of_the_round_trip()
    {
        PingMessage ping = NextPing();
        _node.Run(RoundTrip / 2);
        _node.Say(_link, new PongMessage(ping.Nonce + 1, 0));
        Assert.Null(_node.Overlay.Peers[0].RoundTrip);
        _node.Run(RoundTrip / 2);
        _node.Say(_link, new PongMessage(ping.Nonce, 0)); // it still waits
        Assert.Equal(RoundTrip, _node.Overlay.Peers[0].RoundTrip);
    }

    [Fact]
    public void Pings_have_numbers_that_nobody_guesses()
    {
        ulong first = NextPing().Nonce;
        _node.Say(_link, new PongMessage(first, 0));
        Assert.True(first > (ulong)_node.Now.Ticks);
        Assert.NotEqual(first, NextPing().Nonce);
    }

    private PingMessage NextPing()
    {
        int before = _node.Frames(_link, MessageType.Ping).Count;
        for (int i = 0; i < 10_000 && _node.Frames(_link, MessageType.Ping).Count == before; i++)
        {
            _node.Run(TimeSpan.FromMilliseconds(10));
        }

        byte[] frame = _node.Frames(_link, MessageType.Ping)[^1];
        Assert.True(WireMessage.TryRead(frame, out PingMessage ping, out _));
        return ping;
    }
}
