using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Upkeep;

public class ServiceNewsTests
{
    private readonly LoneNode _node = new(new Key(0, 0, 0, 1000));
    private readonly LinkId _link;

    public ServiceNewsTests()
    {
        _node.Join("dht");
        _link = _node.Connect(new Key(0, 0, 0, 2000));
    }

    [Fact]
    public void Of_many_announcements_the_first_are_taken_and_then_the_newest()
    {
        for (int i = 2; i <= 1000; i++)
        {
            Announce((ulong)i, $"service {i}");
        }

        Assert.Equal(["service 9"], Services());
        _node.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(["service 1000"], Services());
    }

    [Fact]
    public void A_peer_that_announces_now_and_then_is_heard_at_once()
    {
        for (int i = 2; i < 30; i++)
        {
            Announce((ulong)i, $"service {i}");
            Assert.Equal([$"service {i}"], Services());
            _node.Run(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public void A_list_that_was_kept_unread_and_makes_no_sense_ends_the_connection()
    {
        for (int i = 2; i <= 10; i++)
        {
            Announce((ulong)i, $"service {i}");
        }

        _node.SayFields(_link, MessageType.Services, 11, "nonsense");
        Assert.Empty(_node.Closed);
        _node.Run(TimeSpan.FromSeconds(1));
        Assert.Equal([_link], _node.Closed);
    }

    [Fact]
    public void An_older_list_does_not_replace_a_newer_one_that_waits()
    {
        for (int i = 2; i <= 10; i++)
        {
            Announce((ulong)i, "dht");
        }

        Announce(20, "newest");
        Announce(11, "older");
        _node.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(["newest"], Services());
    }

    [Fact]
    public void A_list_longer_than_any_is_not_kept()
    {
        for (int i = 2; i <= 10; i++)
        {
            Announce((ulong)i, "dht");
        }

        _node.SayFields(_link, MessageType.Services, 11, new byte[WireLimits.ServicesBytesMax]);
        Assert.Equal([_link], _node.Closed);
    }

    [Fact]
    public void A_probe_is_answered_whatever_else_its_sender_has_sent_too_much_of()
    {
        for (int i = 0; i < 1000; i++)
        {
            Ask(MessageType.Neighbours);
        }

        Ask(MessageType.Ping);
        Assert.Single(_node.Frames(_link, MessageType.Pong));
        Ask(MessageType.RequestQuery);
        Assert.Single(_node.Frames(_link, MessageType.RequestState));
    }

    [Fact]
    public void A_peer_that_goes_takes_what_it_said_along()
    {
        for (int i = 2; i <= 20; i++)
        {
            Announce((ulong)i, "dht");
        }

        _node.Disconnect(_link);
        _node.Run(TimeSpan.FromSeconds(1));
        Assert.Empty(_node.Overlay.Neighbours(ServiceId.FromName("dht")).Others);
    }

    [Theory]
    [InlineData((int)MessageType.Ping, (int)MessageType.Pong, 200, 256)]
    [InlineData((int)MessageType.RequestQuery, (int)MessageType.RequestState, 200, 256)]
    [InlineData((int)MessageType.ServiceQuery, (int)MessageType.ServiceMembers, 200, 256)]
    [InlineData((int)MessageType.Neighbours, (int)MessageType.Neighbours, 32, 32)]
    public void Costly_messages_are_answered_so_often(int question, int answer, int least, int most)
    {
        (var asked, var answered) = ((MessageType)question, (MessageType)answer);
        int before = _node.Frames(_link, answered).Count;
        for (int i = 0; i < 2000; i++)
        {
            Ask(asked);
        }

        Assert.InRange(_node.Frames(_link, answered).Count - before, least, most);
        Assert.InRange(_node.Overlay.MessagesIgnored, 1744, 1800);
        _node.Run(TimeSpan.FromSeconds(1));
        before = _node.Frames(_link, answered).Count;
        Ask(asked);
        Assert.Equal(1, _node.Frames(_link, answered).Count - before);
    }

    private string[] Services() => [.. Assert.Single(_node.Overlay.Peers).Services];

    private void Ask(MessageType type)
    {
        switch (type)
        {
            case MessageType.Ping:
                _node.Say(_link, new PingMessage(1, 0));
                break;
            case MessageType.RequestQuery:
                _node.Say(_link, new RequestQueryMessage(1));
                break;
            case MessageType.ServiceQuery:
                _node.Say(_link, new ServiceQueryMessage(ServiceId.Base));
                break;
            default:
                _node.Say(_link, new NeighboursMessage(ServiceId.Base, true, [], []));
                break;
        }
    }

    private void Announce(ulong version, string name) => _node.Say(_link, new ServicesMessage(
        version,
        [new ServiceName(ServiceId.Base, string.Empty), new ServiceName(ServiceId.FromName(name), name)]));
}
