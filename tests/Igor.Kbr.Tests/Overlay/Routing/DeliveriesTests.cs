using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Routing;

/// <summary>A root whose application takes its time.</summary>
public class DeliveriesTests
{
    private const string Service = "test";
    private static readonly Key Source = Id(3000);

    private readonly LoneNode _node = new(Id(100));
    private readonly LinkId _first;
    private readonly LinkId _second;

    public DeliveriesTests()
    {
        _node.Join(Service);
        _first = _node.Connect(Id(900));
        _second = _node.Connect(Id(800));
    }

    [Fact]
    public void Repeat_while_the_application_works_is_answered_so_and_gets_the_answer_too()
    {
        Ask(_first, hopId: 1);
        Ask(_second, hopId: 2);
        KbrDelivery delivery = Assert.Single(_node.Deliveries);
        Assert.Empty(_node.RepliesOn(_first));
        Assert.Equal([(2, ReplyStatus.Working)], _node.RepliesOn(_second));
        _node.Overlay.Reply(_node.Now, delivery.Token, default);
        Assert.Equal([(1, ReplyStatus.Ok)], _node.RepliesOn(_first));
        Assert.Equal([(2, ReplyStatus.Working), (2, ReplyStatus.Ok)], _node.RepliesOn(_second));
    }

    [Fact]
    public void Repeat_on_the_same_way_gets_one_answer()
    {
        Ask(_first, hopId: 1);
        Ask(_first, hopId: 1);
        _node.Overlay.Reply(_node.Now, Assert.Single(_node.Deliveries).Token, default);
        Assert.Equal([(1, ReplyStatus.Working), (1, ReplyStatus.Ok)], _node.RepliesOn(_first));
    }

    [Fact]
    public void Repeat_after_the_answer_is_delivered_again()
    {
        Ask(_first, hopId: 1);
        _node.Overlay.Reply(_node.Now, _node.Deliveries[0].Token, default);
        Ask(_second, hopId: 2);
        Assert.Equal(2, _node.Deliveries.Count);
        Assert.Equal(_node.Deliveries[0].RequestId, _node.Deliveries[1].RequestId);
    }

    [Fact]
    public void Another_message_under_the_same_number_is_delivered()
    {
        Ask(_first, hopId: 1, payload: 1);
        Ask(_second, hopId: 2, payload: 2);
        Assert.Equal(2, _node.Deliveries.Count);
        Assert.Empty(_node.RepliesOn(_second));
    }

    [Fact]
    public void Request_of_its_source_itself_is_no_repeat_of_what_another_node_passed_on()
    {
        LinkId source = _node.Connect(Source);
        Ask(_first, hopId: 1);
        Ask(source, hopId: 2);
        Assert.Equal([false, true], _node.Deliveries.Select(d => d.IsSourceProven));
    }

    [Fact]
    public void Answer_goes_back_by_the_way_that_is_left()
    {
        Ask(_first, hopId: 1);
        Ask(_second, hopId: 2);
        _node.Disconnect(_first);
        _node.Overlay.Reply(_node.Now, Assert.Single(_node.Deliveries).Token, default);
        Assert.Equal((2UL, ReplyStatus.Ok), _node.RepliesOn(_second).Last());
    }

    [Fact]
    public void Way_that_is_gone_leaves_the_first_alone()
    {
        Ask(_first, hopId: 1);
        Ask(_second, hopId: 2);
        Ask(_second, hopId: 3);
        _node.Disconnect(_second);
        _node.Overlay.Reply(_node.Now, Assert.Single(_node.Deliveries).Token, default);
        Assert.Equal([(1, ReplyStatus.Ok)], _node.RepliesOn(_first));
    }

    [Fact]
    public void Request_whose_ways_are_all_gone_is_open_no_more()
    {
        Ask(_first, hopId: 1);
        Ask(_second, hopId: 2);
        Ask(_first, hopId: 3);
        LinkId third = _node.Connect(Id(700));
        _node.Disconnect(_first);
        _node.Disconnect(_second);
        _node.Overlay.Reply(_node.Now, _node.Deliveries[0].Token, default);
        Ask(third, hopId: 4);
        Assert.Equal(2, _node.Deliveries.Count);
    }

    [Fact]
    public void Of_more_ways_than_there_are_hops_that_try_the_oldest_of_that_peer_are_told_to_come_again()
    {
        Ask(_second, hopId: 30);
        for (ulong i = 1; i <= 20; i++)
        {
            Ask(_first, hopId: i);
        }

        List<(ulong HopId, ReplyStatus Status)> replies = _node.RepliesOn(_first);
        Assert.Equal(20, replies.Count(r => r.Status == ReplyStatus.Working));
        Assert.Equal(
            Enumerable.Range(1, 13).Select(i => (ulong)i),
            replies.Where(r => r.Status == ReplyStatus.Overloaded).Select(r => r.HopId));
        _node.Overlay.Reply(_node.Now, Assert.Single(_node.Deliveries).Token, default);
        Assert.Equal((20UL, ReplyStatus.Ok), _node.RepliesOn(_first).Last());
        Assert.Equal([(30UL, ReplyStatus.Ok)], _node.RepliesOn(_second));
    }

    [Fact]
    public void Answer_that_the_way_back_never_takes_ends_the_request()
    {
        LinkId small = _node.Open(Id(700));
        _node.Say(small, new HelloMessage
        {
            Network = "igor",
            Instance = 1,
            Addresses = [],
            ServicesVersion = 1,
            Services = [ServiceId.Base],
        });
        _node.Say(small, new AcceptMessage(0, 5120));
        Ask(small, hopId: 1);
        _node.Overlay.Reply(_node.Now, _node.Deliveries[0].Token, new byte[20_000]);
        Assert.Equal([(1, ReplyStatus.Failed)], _node.RepliesOn(small));
    }

    [Fact]
    public void Request_of_this_node_waits_on_while_its_root_works()
    {
        LinkId root = _node.Connect(Id(600), Service);
        LinkId other = _node.Connect(Id(500), Service);
        _node.Overlay.Request(
            _node.Now,
            new RequestId(1),
            ServiceId.FromName(Service),
            Id(610),
            default,
            new RequestOptions(TimeSpan.FromSeconds(30)));
        _node.Reply(root, _node.Routes(root).Single(), ReplyStatus.Working);
        for (int i = 0; i < 26; i++)
        {
            _node.Run(TimeSpan.FromSeconds(1));
            SayHeld(root);
            SayHeld(other);
            if (_node.Routes(other).Count > 0)
            {
                _node.Reply(other, _node.Routes(other)[^1], ReplyStatus.Working);
            }
        }

        Assert.InRange(_node.Routes(root).Count + _node.Routes(other).Count, 2, 8);
        Assert.Empty(_node.Ended);
        _node.Reply(root, _node.Routes(root)[0], ReplyStatus.Ok);
        Assert.Equal(KbrStatus.Ok, Assert.Single(_node.Ended).Value);
    }

    /// <summary>A peer says that it has whatever it is asked about.</summary>
    private void SayHeld(LinkId link)
    {
        foreach (RequestQueryMessage query in _node.Messages<RequestQueryMessage>(link))
        {
            _node.Say(link, new RequestStateMessage(query.HopId, true));
        }
    }

    private void Ask(LinkId link, ulong hopId, byte payload = 1) => _node.Overlay.HandleFrame(
        _node.Now,
        link,
        RoutedFrames.Request(
            new RouteHeader(
                ServiceId.FromName(Service), _node.Overlay.Id, Source, hopId, 64, default, 30_000, 77),
            payload));

    private static Key Id(ulong value) => new(0, 0, 0, value);
}
