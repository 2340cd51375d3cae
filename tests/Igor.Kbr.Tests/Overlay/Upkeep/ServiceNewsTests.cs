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
    public void Of_many_announcements_the_first_are_taken_and_the_newest_is_asked_for()
    {
        for (int i = 2; i <= 1000; i++)
        {
            Announce((ulong)i, $"service {i}");
        }

        Assert.Equal([Named("service 33")], Services());
        Assert.Empty(Questions());
        _node.Run(TimeSpan.FromSeconds(1));
        Assert.Equal([33], Questions());
        Announce(1000, "service 1000");
        Assert.Equal([Named("service 1000")], Services());
    }

    [Fact]
    public void A_peer_that_announces_now_and_then_is_heard_at_once()
    {
        for (int i = 2; i < 30; i++)
        {
            Announce((ulong)i, $"service {i}");
            Assert.Equal([Named($"service {i}")], Services());
            _node.Run(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public void A_change_that_follows_on_one_that_was_lost_is_asked_for()
    {
        _node.Say(_link, new ServicesMessage(2, 3, [ServiceId.FromName("dht")], []));
        Assert.Empty(Services());
        Assert.Equal([1], Questions());
        _node.Say(_link, new ServicesMessage(1, 3, [ServiceId.FromName("dht")], []));
        Assert.Equal(["dht"], Services());
    }

    [Fact]
    public void A_version_in_a_heartbeat_that_is_not_known_is_asked_for()
    {
        _node.Say(_link, new HeartbeatMessage(1, 0, 0, IsWanted: true));
        Assert.Empty(Questions());
        _node.Say(_link, new HeartbeatMessage(2, 0, 0, IsWanted: true));
        Assert.Equal([1], Questions());
    }

    [Fact]
    public void An_announcement_that_found_no_room_is_made_up_for()
    {
        var network = new TestNetwork();
        TestNode first = network.Add(new Key(1, 0, 0, 0));
        TestNode second = network.Add(new Key(2, 0, 0, 0), through: first);
        network.Run(TimeSpan.FromSeconds(20));
        network.IsFull = (from, _) => from == first;
        first.Join("files");
        network.Run(TimeSpan.FromSeconds(2));
        network.IsFull = null;
        Assert.True(first.Overlay.Neighbours(ServiceId.FromName("files")).IsMember);
        second.Attach("files");
        network.Run(TimeSpan.FromSeconds(7));
        Assert.Equal("files", Assert.Single(Assert.Single(second.Overlay.Peers).Services));
    }

    [Fact]
    public void Changes_that_come_together_are_told_together()
    {
        int before = _node.Frames(_link, MessageType.Services).Count;
        foreach (int i in Enumerable.Range(0, 20))
        {
            var options = new SubscribeOptions { Service = $"s{i}", Role = ServiceRole.Member };
            _node.Overlay.Subscribe(_node.Now, options);
        }

        _node.Run(TimeSpan.FromSeconds(5));
        Assert.InRange(_node.Frames(_link, MessageType.Services).Count - before, 1, 3);
    }

    [Fact]
    public void Long_list_is_not_in_each_hello_but_for_those_who_ask()
    {
        foreach (int i in Enumerable.Range(0, 20))
        {
            var options = new SubscribeOptions { Service = $"s{i}", Role = ServiceRole.Member };
            _node.Overlay.Subscribe(_node.Now, options);
        }

        _node.Run(TimeSpan.FromSeconds(5));
        LinkId link = _node.Connect(new Key(0, 0, 0, 3000));
        Assert.True(WireMessage.TryRead(
            _node.Frames(link, MessageType.Hello)[0], out HelloMessage hello, out _));
        Assert.True(hello.Services.IsDefault);
        _node.Say(link, new ServicesQueryMessage(0));
        Assert.True(WireMessage.TryRead(
            _node.Frames(link, MessageType.Services)[^1], out ServicesMessage list, out _));
        Assert.Equal(22, list.Added.Length);
        for (int i = 0; i < 10_000; i++)
        {
            _node.Say(link, new ServicesQueryMessage(0));
        }

        Assert.InRange(_node.Frames(link, MessageType.Services).Count, 2, 257);
    }

    [Fact]
    public void Long_list_is_told_to_a_peer_that_takes_no_large_frames()
    {
        const int Services = 1000;
        var node = new LoneNode(new Key(0, 0, 0, 1000));
        node.Run(TimeSpan.FromSeconds(1));
        foreach (int i in Enumerable.Range(0, Services))
        {
            var options = new SubscribeOptions { Service = $"s{i}", Role = ServiceRole.Member };
            node.Overlay.Subscribe(node.Now, options);
        }

        LinkId link = node.Open(new Key(0, 0, 0, 3000));
        node.Say(link, new HelloMessage
        {
            Network = "igor",
            Instance = 1,
            Addresses = [],
            ServicesVersion = 1,
            Services = [],
            Purpose = LinkPurpose.Neighbour,
        });
        node.Say(link, new AcceptMessage(0, WireLimits.FrameBytesLeast));
        node.FrameBytesMax = WireLimits.FrameBytesLeast;
        node.Say(link, new ServicesQueryMessage(0));
        Assert.Equal(Services + 1, node.Messages<ServicesMessage>(link).Sum(m => m.Added.Length));
    }

    [Fact]
    public void One_frame_changes_few_of_the_rings_that_a_node_is_in()
    {
        string[] names = [.. Enumerable.Range(0, 300).Select(i => $"s{i}")];
        foreach (string name in names)
        {
            _node.Overlay.Subscribe(
                _node.Now, new SubscribeOptions { Service = name, Role = ServiceRole.Member });
        }

        _node.Run(TimeSpan.FromSeconds(2));
        ulong version = 1;
        foreach (string[] part in names.Chunk(ServicesMessage.ChangesMax))
        {
            Tell(new ServicesMessage(version, ++version, [.. part.Select(ServiceId.FromName)], []));
        }

        Assert.Equal(300, Services().Length);
        for (int left = 300; left > 0; left = Services().Length)
        {
            Tell(new ServicesMessage(0, ++version, [ServiceId.Base], []));
            Assert.InRange(left - Services().Length, 1, ServicesMessage.ChangesMax);
        }

        void Tell(in ServicesMessage message)
        {
            int before = _node.Changes;
            _node.Say(_link, message);
            Assert.InRange(_node.Changes - before, 0, ServicesMessage.ChangesMax);
        }
    }

    [Fact]
    public void Longer_list_than_any_honest_peer_tells_at_once_ends_the_link()
    {
        ServiceId[] many = [.. Enumerable.Range(0, 65).Select(i => new ServiceId((UInt128)i))];
        _node.Say(_link, new ServicesMessage(0, 2, [.. many[..64]], []));
        Assert.DoesNotContain(_link, _node.Closed);
        _node.Say(_link, new ServicesMessage(0, 3, [.. many], []));
        Assert.Contains(_link, _node.Closed);
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

    /// <summary>A service that nobody here has named is shown by its id.</summary>
    private static string Named(string service) => ServiceId.FromName(service).ToString();

    /// <summary>The versions after which the peer was asked.</summary>
    private ulong[] Questions() => [.. _node.Frames(_link, MessageType.ServicesQuery).Select(frame =>
    {
        Assert.True(WireMessage.TryRead(frame, out ServicesQueryMessage query, out _));
        return query.Known;
    })];

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

    private void Announce(ulong version, string name) => _node.Say(
        _link, new ServicesMessage(0, version, [ServiceId.Base, ServiceId.FromName(name)], []));
}
