using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Upkeep;

/// <summary>What keeps a ring up goes on after one call of the host has failed.</summary>
public class HostFaultTests
{
    private readonly LoneNode _node = new(Id(100), arePeersSilent: true);

    [Fact]
    public void Heartbeats_go_on()
    {
        LinkId link = _node.Connect(Id(900));
        _node.Run(TimeSpan.FromSeconds(1));
        FailOnce(link);
        int before = _node.Frames(link, MessageType.Heartbeat).Count;
        RunAlive(link, 60);
        Assert.InRange(_node.Frames(link, MessageType.Heartbeat).Count - before, 5, 60);
    }

    [Fact]
    public void Silent_peer_is_still_found_dead()
    {
        _node.Connect(Id(900));
        _node.Run(TimeSpan.FromSeconds(1));
        FailFor(TimeSpan.FromSeconds(12));
        _node.Run(TimeSpan.FromSeconds(60));
        Assert.Empty(_node.Overlay.Peers);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Dead_peer_leaves_all_rings(bool isOfEvent)
    {
        _node.Join("tea");
        _node.Join("jam");
        LinkId dead = _node.Connect(Id(101), "tea", "jam");
        LinkId other = _node.Connect(Id(102), "tea", "jam");
        _node.Run(TimeSpan.FromSeconds(1));
        var fault = new InvalidOperationException("a fault of the host");
        _node.EventFault = isOfEvent ? fault : null;
        _node.UpdateFault = isOfEvent ? null : fault;
        _node.Sent.Clear();
        Assert.Same(fault, Record.Exception(() => _node.Disconnect(dead)));
        Assert.All(
            new[] { "tea", "jam" },
            service => Assert.Equal(
                [Id(102)], _node.Overlay.Neighbours(ServiceId.FromName(service)).Others.ToArray()));
        _node.Run(TimeSpan.FromSeconds(1));
        Assert.Equal([Id(102)], _node.Overlay.Peers.Select(peer => peer.Id));
        Assert.NotEmpty(_node.Frames(other, MessageType.Neighbours)); // the machines heard of it
    }

    [Fact]
    public void Neighbours_are_compared_after_the_next_loss()
    {
        LinkId[] links = [.. Enumerable.Range(1, 8).Select(i => _node.Connect(Id(100 + (ulong)i)))];
        _node.Run(TimeSpan.FromSeconds(1));
        _node.Disconnect(links[0]);
        FailOnce(links[1]);
        _node.Sent.Clear();
        _node.Disconnect(links[2]);
        _node.Run(TimeSpan.FromMilliseconds(300));
        Assert.Contains(_node.Sent, sent => sent.Frame[1] == (byte)MessageType.Neighbours);
    }

    /// <summary>Lets time pass until the node wants to send something, and cannot.</summary>
    private void FailOnce(LinkId link)
    {
        _node.Fault = new InvalidOperationException("a fault of the host");
        bool hasFailed = false;
        for (int i = 0; i < 300 && !hasFailed; i++)
        {
            hasFailed = Record.Exception(() => _node.Run(TimeSpan.FromMilliseconds(100))) is not null;
        }

        _node.Fault = null;
        Assert.True(hasFailed);
        _node.Ping(link);
    }

    private void FailFor(TimeSpan time)
    {
        _node.Fault = new InvalidOperationException("a fault of the host");
        for (TimeSpan end = _node.Now + time; _node.Now < end;)
        {
            Record.Exception(() => _node.Run(TimeSpan.FromMilliseconds(100)));
        }

        _node.Fault = null;
    }

    private void RunAlive(LinkId link, int seconds)
    {
        for (int i = 0; i < seconds; i++)
        {
            _node.Run(TimeSpan.FromSeconds(1));
            _node.Ping(link);
        }
    }

    private static Key Id(ulong value) => new(0, 0, 0, value);
}
