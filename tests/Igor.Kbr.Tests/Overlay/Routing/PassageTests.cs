using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Routing;

/// <summary>A hop that finds another way for what it was given, by itself.</summary>
public class PassageTests
{
    private const string Service = "test";
    private const ulong AskersId = 7;
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(2.5); // as nothing was answered before
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(9);

    private readonly LoneNode _node = new(Id(100));
    private readonly LinkId _asker;

    public PassageTests()
    {
        _node.Join(Service);
        _asker = _node.Connect(Id(50));
    }

    [Fact]
    public void Request_that_is_late_goes_to_the_next_best_too()
    {
        LinkId[] hops = Connect(900, 800);
        Ask();
        Assert.Empty(_node.Routes(hops[1]));
        _node.Run(Late);
        Assert.Equal([1, 1], hops.Select(hop => _node.Routes(hop).Count));
        Assert.Empty(_node.RepliesOn(_asker));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void First_answer_goes_back_whoever_sends_it_and_no_other(int first)
    {
        LinkId[] hops = Connect(900, 800);
        Ask();
        _node.Run(Late);
        byte[][] routes = [.. hops.Select(hop => _node.Routes(hop).Single())];
        _node.Reply(hops[first], routes[first], ReplyStatus.Ok);
        _node.Reply(hops[1 - first], routes[1 - first], ReplyStatus.Ok);
        Assert.Equal([(AskersId, ReplyStatus.Ok)], _node.RepliesOn(_asker));
    }

    [Fact]
    public void What_is_late_depends_on_how_long_a_peer_takes()
    {
        LinkId[] hops = Connect(900, 800);
        for (ulong i = 0; i < 20; i++)
        {
            Ask(hopId: i + 100);
            _node.Run(TimeSpan.FromMilliseconds(40));
            _node.Reply(hops[0], _node.Routes(hops[0]).Last(), ReplyStatus.Ok);
        }

        Ask();
        _node.Run(TimeSpan.FromMilliseconds(240));
        Assert.Empty(_node.Routes(hops[1]));
        _node.Run(TimeSpan.FromMilliseconds(30));
        Assert.Single(_node.Routes(hops[1]));
    }

    [Fact]
    public void Request_goes_to_three_hops_at_most_however_late_they_are()
    {
        LinkId[] hops = Connect(900, 800, 700, 600, 500);
        Ask();
        _node.Run(Long);
        Assert.Equal([1, 1, 1, 0, 0], hops.Select(hop => _node.Routes(hop).Count));
    }

    [Fact]
    public void Requests_that_are_all_late_are_repeated_so_often_and_no_oftener()
    {
        LinkId[] hops = Connect(900, 800, 700);
        for (ulong i = 1; i <= 500; i++)
        {
            Ask(hopId: i);
        }

        _node.Run(Long);
        Assert.Equal(500, _node.Routes(hops[0]).Count);
        Assert.InRange(_node.Routes(hops[1]).Count + _node.Routes(hops[2]).Count, 20, 100);
    }

    [Theory]
    [InlineData((int)ReplyStatus.HopFailed)]
    [InlineData((int)ReplyStatus.Unreachable)]
    public void Hop_that_cannot_pass_it_on_is_left_out_at_once(int status)
    {
        LinkId[] hops = Connect(900, 800);
        Ask();
        _node.Reply(hops[0], _node.Routes(hops[0]).Single(), (ReplyStatus)status);
        byte[] second = _node.Routes(hops[1]).Single();
        Assert.Empty(_node.RepliesOn(_asker));
        _node.Reply(hops[1], second, (ReplyStatus)status);
        Assert.Equal([(AskersId, (ReplyStatus)status)], _node.RepliesOn(_asker));
    }

    [Fact]
    public void Refusal_that_another_hop_cannot_better_goes_back()
    {
        LinkId[] hops = Connect(900, 800);
        Ask();
        _node.Reply(hops[0], _node.Routes(hops[0]).Single(), ReplyStatus.Overloaded);
        Assert.Equal([(AskersId, ReplyStatus.Overloaded)], _node.RepliesOn(_asker));
        Assert.Empty(_node.Routes(hops[1]));
    }

    [Fact]
    public void Hop_that_is_overloaded_loses_no_answer_of_another()
    {
        LinkId[] hops = Connect(900, 800);
        Ask();
        _node.Run(Late);
        _node.Reply(hops[0], _node.Routes(hops[0]).Single(), ReplyStatus.Overloaded);
        Assert.Empty(_node.RepliesOn(_asker));
        _node.Reply(hops[1], _node.Routes(hops[1]).Single(), ReplyStatus.Ok);
        Assert.Equal([(AskersId, ReplyStatus.Ok)], _node.RepliesOn(_asker));
    }

    [Fact]
    public void Frame_that_the_best_peer_does_not_take_goes_to_the_next_best()
    {
        LinkId small = ConnectSmall(900, Service);
        LinkId[] others = Connect(800);
        Ask(payload: new byte[20_000]);
        Assert.Empty(_node.Routes(small));
        Assert.Single(_node.Routes(others[0]));
        Assert.Empty(_node.RepliesOn(_asker));
    }

    [Fact]
    public void Answer_that_the_hop_before_never_takes_ends_the_request()
    {
        LinkId small = ConnectSmall(60);
        LinkId hop = Connect(900).Single();
        _node.Overlay.HandleFrame(_node.Now, small, RoutedFrames.Request(Header(AskersId)));
        _node.Reply(hop, _node.Routes(hop).Single(), ReplyStatus.Ok, new byte[20_000]);
        Assert.Equal([(AskersId, ReplyStatus.Failed)], _node.RepliesOn(small));
    }

    [Fact]
    public void Request_that_is_delivered_here_in_the_end_waits_no_longer_than_the_hop_before()
    {
        LinkId[] hops = Connect(900);
        Ask();
        _node.Run(TimeSpan.FromSeconds(4));
        _node.Disconnect(hops[0]);
        KbrDelivery delivery = Assert.Single(_node.Deliveries);
        _node.Run(TimeSpan.FromSeconds(27));
        _node.Overlay.Reply(_node.Now, delivery.Token, default);
        Assert.Empty(_node.RepliesOn(_asker));
    }

    [Fact]
    public void Request_of_a_hop_that_is_gone_is_passed_on_at_once_with_what_its_origin_wrote()
    {
        LinkId[] hops = Connect(900, 800);
        Ask(payload: [1, 2, 3]);
        byte[] first = _node.Routes(hops[0]).Single();
        _node.Disconnect(hops[0]);
        byte[] second = _node.Routes(hops[1]).Single();
        Assert.Equal(first[RoutedFrame.RouteHeaderBytes..], second[RoutedFrame.RouteHeaderBytes..]);
        Assert.Equal(RoutedFrames.HeaderOf(first), RoutedFrames.HeaderOf(second));
    }

    [Fact]
    public void Request_whose_last_nearer_node_is_gone_is_delivered_here()
    {
        LinkId[] hops = Connect(900);
        Ask(payload: [1, 2, 3]);
        _node.Disconnect(hops[0]);
        KbrDelivery delivery = Assert.Single(_node.Deliveries);
        Assert.Equal([1, 2, 3], delivery.Payload.ToArray());
        _node.Overlay.Reply(_node.Now, delivery.Token, default);
        Assert.Equal([(AskersId, ReplyStatus.Ok)], _node.RepliesOn(_asker));
    }

    [Fact]
    public void Request_that_is_being_worked_on_is_not_repeated_for_as_long_as_it_took()
    {
        LinkId[] hops = Connect(900, 800);
        Ask();
        byte[] route = _node.Routes(hops[0]).Single();
        _node.Run(TimeSpan.FromSeconds(1.9));
        _node.Reply(hops[0], route, ReplyStatus.Working);
        _node.Run(TimeSpan.FromSeconds(1.8));
        Assert.Empty(_node.Routes(hops[1]));
        _node.Reply(hops[0], route, ReplyStatus.Ok);
        Assert.Equal([(AskersId, ReplyStatus.Working), (AskersId, ReplyStatus.Ok)], _node.RepliesOn(_asker));
    }

    [Fact]
    public void Hop_that_says_over_and_over_that_it_works_delays_a_request_once()
    {
        LinkId[] hops = Connect(900, 800);
        Ask();
        for (int i = 0; i < 10; i++)
        {
            _node.Reply(hops[0], _node.Routes(hops[0])[0], ReplyStatus.Working);
            _node.Run(TimeSpan.FromMilliseconds(500));
        }

        _node.Reply(hops[1], _node.Routes(hops[1]).Single(), ReplyStatus.Ok);
        Assert.Equal([(AskersId, ReplyStatus.Working), (AskersId, ReplyStatus.Ok)], _node.RepliesOn(_asker));
    }

    [Fact]
    public void Request_whose_hop_worked_and_is_gone_is_passed_to_another()
    {
        LinkId[] hops = Connect(900, 800);
        Ask();
        _node.Reply(hops[0], _node.Routes(hops[0])[0], ReplyStatus.Working);
        _node.Disconnect(hops[0]);
        Assert.Single(_node.Routes(hops[1]));
    }

    [Fact]
    public void Peer_that_died_silently_loses_one_request_only()
    {
        var node = new LoneNode(Id(100), arePeersSilent: true);
        node.Join(Service);
        LinkId asker = node.Connect(Id(50));
        LinkId dead = node.Connect(Id(900), Service);
        LinkId other = node.Connect(Id(800), Service);
        node.Overlay.HandleFrame(node.Now, asker, RoutedFrames.Request(Header(1)));
        node.Run(Late);
        Assert.NotEmpty(node.Frames(dead, MessageType.Ping));
        for (ulong i = 2; i < 20; i++)
        {
            node.Overlay.HandleFrame(node.Now, asker, RoutedFrames.Request(Header(i)));
        }

        Assert.Single(node.Routes(dead));
        Assert.Equal(19, node.Routes(other).Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Hop_of_which_nothing_comes_is_left_sooner_than_one_that_lives(bool lives)
    {
        var node = new LoneNode(Id(100), arePeersSilent: true);
        node.Join(Service);
        LinkId asker = node.Connect(Id(50));
        LinkId hop = node.Connect(Id(900), Service);
        LinkId other = node.Connect(Id(800), Service);
        node.Overlay.HandleRoundTrip(node.Now, hop, TimeSpan.FromMilliseconds(40));
        node.Run(TimeSpan.FromSeconds(2.5));
        node.Overlay.HandleFrame(node.Now, asker, RoutedFrames.Request(Header(1)));
        node.Run(TimeSpan.FromMilliseconds(250));
        Assert.Single(node.Frames(hop, MessageType.Ping)); // nothing has come
        if (lives)
        {
            node.Ping(hop);
        }

        node.Run(TimeSpan.FromMilliseconds(250));
        Assert.Equal(lives ? 0 : 1, node.Routes(other).Count);
    }

    [Fact]
    public void Root_that_lets_two_pings_lie_is_passed_over_until_it_says_something()
    {
        var node = new LoneNode(Id(100), arePeersSilent: true);
        node.Join(Service);
        LinkId asker = node.Connect(Id(50));
        LinkId root = node.Connect(Id(900), Service);
        node.Overlay.HandleRoundTrip(node.Now, root, TimeSpan.FromMilliseconds(40));
        Ask(1);
        node.Run(TimeSpan.FromSeconds(1.65));
        Assert.Empty(node.Deliveries);
        node.Run(TimeSpan.FromSeconds(0.1));
        Assert.Single(node.Deliveries);
        Ask(2);
        Assert.Equal(2, node.Deliveries.Count);
        Assert.Contains(Id(900), node.Overlay.Neighbours(ServiceId.FromName(Service)).Others);
        node.Ping(root);
        Ask(3);
        Assert.Equal((2, 2), (node.Deliveries.Count, node.Routes(root).Count));

        void Ask(ulong hopId) =>
            node.Overlay.HandleFrame(node.Now, asker, RoutedFrames.Request(Header(hopId)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Root_is_not_passed_over_for_what_kept_this_node_from_asking_or_hearing_it(bool hasNoRoom)
    {
        var node = new LoneNode(Id(100), arePeersSilent: true);
        node.Join(Service);
        LinkId asker = node.Connect(Id(50));
        LinkId root = node.Connect(Id(900), Service);
        node.Overlay.HandleRoundTrip(node.Now, root, TimeSpan.FromMilliseconds(40));
        node.Overlay.HandleFrame(node.Now, asker, RoutedFrames.Request(Header(1)));
        if (hasNoRoom)
        {
            node.FrameBytesMax = 0;
            node.Run(TimeSpan.FromSeconds(3));
        }
        else
        {
            node.Run(TimeSpan.FromSeconds(0.3));
            node.Now += TimeSpan.FromSeconds(3); // it stands still, and reads the answer last
            node.Overlay.HandleFrame(node.Now, asker, RoutedFrames.Request(Header(2)));
            node.Overlay.HandleDeadline(node.Now);
            node.Overlay.HandleFrame(node.Now, asker, RoutedFrames.Request(Header(3)));
        }

        Assert.Empty(node.Deliveries);
    }

    [Theory]
    [InlineData(25, 0)]
    [InlineData(31, 1)]
    public void Only_a_hop_that_was_quiet_for_long_is_asked_along_with_a_request(int seconds, int pings)
    {
        var options = new OverlayOptions { HeartbeatPeriod = TimeSpan.FromMinutes(2) };
        var node = new LoneNode(Id(100), options, arePeersSilent: true);
        node.Join(Service);
        LinkId asker = node.Connect(Id(50));
        LinkId hop = node.Connect(Id(900), Service);
        node.Run(TimeSpan.FromSeconds(seconds));
        int before = node.Frames(hop, MessageType.Ping).Count;
        node.Overlay.HandleFrame(node.Now, asker, RoutedFrames.Request(Header(1)));
        Assert.Equal(before + pings, node.Frames(hop, MessageType.Ping).Count);
    }

    private static RouteHeader Header(ulong hopId) => new(
        ServiceId.FromName(Service), Id(1000), Id(3000), hopId, 64, RouteFlags.None, 30_000, 1000 + hopId);

    private void Ask(ulong hopId = AskersId, params byte[] payload) =>
        _node.Overlay.HandleFrame(_node.Now, _asker, RoutedFrames.Request(Header(hopId), payload));

    private LinkId[] Connect(params ulong[] ids) => [.. ids.Select(id => _node.Connect(Id(id), Service))];

    /// <summary>A peer that takes no more than a few kilobytes at once.</summary>
    private LinkId ConnectSmall(ulong id, params string[] services)
    {
        LinkId link = _node.Open(Id(id));
        _node.Say(link, new HelloMessage
        {
            Purpose = LinkPurpose.Neighbour,
            Network = "igor",
            Instance = 1,
            Addresses = [],
            ServicesVersion = 1,
            Services = [ServiceId.Base, .. services.Select(ServiceId.FromName)],
        });
        _node.Say(link, new AcceptMessage(0, 5120));
        return link;
    }

    private static Key Id(ulong value) => new(0, 0, 0, value);
}
