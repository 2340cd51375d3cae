using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Tests.Wire;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Routing;

public class RouterTests
{
    private const string Service = "test";
    private static readonly ServiceId TestService = ServiceId.FromName(Service);
    private static readonly Key Self = Id(100);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_peer_that_asks_without_end_leaves_room_for_others_and_for_the_node_itself()
    {
        LoneNode node = Member(o => o with { PendingMax = 64 });
        LinkId greedy = node.Connect(Id(900), dial: null, "10.0.0.2:1"); // neighbours, no strangers
        LinkId modest = node.Connect(Id(800), dial: null, "10.0.0.3:1");
        for (ulong i = 1; i <= 1000; i++)
        {
            node.ReceiveRoute(greedy, ToSelf(i));
        }

        node.ReceiveRoute(modest, ToSelf(1));
        Assert.Equal(33, node.Deliveries.Count);
        Assert.All(node.RepliesOn(greedy), r => Assert.Equal(ReplyStatus.Overloaded, r.Status));
        Assert.Empty(node.RepliesOn(modest));
        node.Overlay.Request(
            node.Now, new RequestId(1), TestService, Self, default, new RequestOptions(Second));
        Assert.Empty(node.Ended);
    }

    [Fact]
    public void Answer_that_finds_no_room_on_its_way_back_becomes_a_refusal()
    {
        LoneNode node = Member();
        LinkId asker = node.Connect(Id(900));
        LinkId next = node.Connect(Id(300), Service);
        node.ReceiveRoute(asker, ToSelf(1));
        node.ReceiveRoute(asker, ToSelf(2) with { Destination = Id(300) });
        ulong hopId = HopIdOf(Assert.Single(node.Frames(next, MessageType.Route)));
        node.FrameBytesMax = 1000;
        node.Overlay.Reply(node.Now, node.Deliveries[0].Token, new byte[2000]);
        byte[] reply = LoneNode.ReplyFrame(hopId, ReplyStatus.Ok, Id(300), new byte[2000]);
        node.Overlay.HandleFrame(node.Now, next, reply);
        Assert.Equal([(1, ReplyStatus.Overloaded), (2, ReplyStatus.Overloaded)], node.RepliesOn(asker));
    }

    [Fact]
    public void A_delivery_names_the_peer_that_handed_it_over()
    {
        LoneNode node = Member();
        LinkId link = node.Connect(Id(900));
        node.ReceiveRoute(link, ToSelf(1) with { Source = Id(7) });
        node.ReceiveRoute(link, ToSelf(0) with { Source = Id(7) });
        node.Overlay.Request(
            node.Now, new RequestId(1), TestService, Self, default, new RequestOptions(Second));
        Assert.Equal([Id(900), Id(900), Self], node.Deliveries.Select(d => d.Via));
    }

    [Fact]
    public void What_a_peer_asked_is_forgotten_when_the_peer_is_gone()
    {
        LoneNode node = Member(o => o with { PendingMax = 256 });
        node.Connect(Id(300), Service);
        for (int round = 0; round < 10; round++)
        {
            LinkId link = node.Connect(Id(900));
            for (ulong i = 1; i <= 16; i++)
            {
                node.ReceiveRoute(link, ToSelf(i));
                node.ReceiveRoute(link, ToSelf(i + 16) with { Destination = Id(300) });
            }

            Assert.Empty(node.RepliesOn(link));
            node.Disconnect(link);
        }
    }

    [Fact]
    public void A_delivery_waits_for_its_answer_no_longer_than_a_hop_may_remember_it()
    {
        LoneNode node = Member();
        LinkId link = node.Connect(Id(900));
        node.ReceiveRoute(link, ToSelf(1));
        node.ReceiveRoute(link, ToSelf(2));
        node.Run(TimeSpan.FromMinutes(59.9));
        node.Overlay.Reply(node.Now, node.Deliveries[0].Token, default);
        node.Run(TimeSpan.FromMinutes(0.2));
        node.Overlay.Reply(node.Now, node.Deliveries[1].Token, default);
        Assert.Equal([(1, ReplyStatus.Ok)], node.RepliesOn(link));
    }

    [Fact]
    public void Only_what_a_node_sends_on_its_own_link_proves_its_source()
    {
        LoneNode node = Member();
        LinkId link = node.Connect(Id(900));
        node.Connect(Id(800));
        node.ReceiveRoute(link, ToSelf(1));
        node.ReceiveRoute(link, ToSelf(2) with { Source = Id(800) });
        node.ReceiveRoute(link, ToSelf(0) with { Source = Id(700) });
        Assert.Equal([true, false, false], node.Deliveries.Select(d => d.IsSourceProven));
        node.Overlay.Request(
            node.Now, new RequestId(1), TestService, Self, default, new RequestOptions(Second));
        node.Overlay.Route(node.Now, TestService, Self, default, default);
        Assert.All(node.Deliveries.Skip(3), d => Assert.Equal((Self, true), (d.Source, d.IsSourceProven)));
        Assert.Equal(5, node.Deliveries.Count);
    }

    [Fact]
    public void A_message_for_a_connected_node_goes_over_its_own_link_however_slow_it_is()
    {
        LoneNode node = Member();
        LinkId slow = node.Connect(Id(300), Service);
        LinkId nearer = node.Connect(Id(250), Service);
        node.Overlay.Request(
            node.Now, new RequestId(1), TestService, Id(300), default, new RequestOptions(4 * Second, true));
        node.Run(3 * Second);
        Assert.True(node.Frames(slow, MessageType.Route).Count > 1);
        Assert.Empty(node.Frames(nearer, MessageType.Route));
    }

    [Fact]
    public void A_message_in_the_node_s_own_name_is_neither_delivered_nor_passed_on()
    {
        LoneNode node = Member();
        LinkId link = node.Connect(Id(900));
        LinkId other = node.Connect(Id(300), Service);
        node.ReceiveRoute(link, ToSelf(1) with { Source = Self });
        node.ReceiveRoute(link, ToSelf(2) with { Source = Self, Destination = Id(300) });
        Assert.Empty(node.Deliveries);
        Assert.Empty(node.Frames(other, MessageType.Route));
        Assert.Equal(
            [(1, ReplyStatus.Unreachable), (2, ReplyStatus.Unreachable)], node.RepliesOn(link));
    }

    [Fact]
    public void The_base_overlay_delivers_control_requests_only()
    {
        LoneNode node = Member();
        LinkId link = node.Connect(Id(900));
        RouteHeader header = ToSelf(1) with { Service = ServiceId.Base };
        node.ReceiveRoute(link, header);
        RouteHeader control = header with { Flags = RouteFlags.Control };
        node.ReceiveRoute(link, control with { HopId = 2 }, new NearQuery(64, []).Write().ToArray());
        Assert.Empty(node.Deliveries);
        Assert.Equal([(1, ReplyStatus.Unreachable), (2, ReplyStatus.Ok)], node.RepliesOn(link));
    }

    [Fact]
    public void Control_request_of_a_kind_that_is_not_known_fails_and_ends()
    {
        LoneNode node = Member();
        LinkId link = node.Connect(Id(900));
        RouteHeader control = ToSelf(1) with { Service = ServiceId.Base, Flags = RouteFlags.Control };
        node.ReceiveRoute(link, control, WireTree.Write([99, "of a later version"]));
        node.ReceiveRoute(link, control with { HopId = 2 });
        byte[] further = WireTree.Write([0, 8, Array.Empty<byte>(), "a further field"]);
        node.ReceiveRoute(link, control with { HopId = 3 }, further);
        Assert.Equal(
            [(1, ReplyStatus.Failed), (2, ReplyStatus.Failed), (3, ReplyStatus.Ok)], node.RepliesOn(link));
        Assert.Empty(node.Closed);
    }

    [Fact]
    public void Fields_that_a_hop_does_not_know_are_passed_on_in_either_direction()
    {
        LoneNode node = Member();
        LinkId origin = node.Connect(Id(900));
        LinkId root = node.Connect(Id(300), Service);
        byte[] route = [.. LoneNode.RouteFrame(ToSelf(5) with { Destination = Id(300) }, 1, 2), 7];
        route[0]++;
        node.Overlay.HandleFrame(node.Now, origin, route);
        byte[] passed = Assert.Single(node.Frames(root, MessageType.Route));
        Assert.True(RoutedFrame.TryReadRoute(passed, out RouteHeader header, out _));
        RoutedFrame.RewriteRoute(passed, 5, 64, uint.MaxValue);
        Assert.Equal(route, passed);

        byte[] reply = new byte[RoutedFrame.ReplyHeaderBytes + RoutedFrame.PayloadPrefixBytes + 1];
        RoutedFrame.WriteReply(reply, new ReplyHeader(header.HopId, ReplyStatus.Ok, Id(300)), 0);
        reply[0]++;
        node.Overlay.HandleFrame(node.Now, root, reply);
        RoutedFrame.RewriteReply(reply, 5);
        Assert.Equal(reply, Assert.Single(node.Frames(origin, MessageType.Reply)));
    }

    private static LoneNode Member(Func<OverlayOptions, OverlayOptions>? change = null)
    {
        var node = new LoneNode(Self, change?.Invoke(new OverlayOptions()));
        node.Join(Service);
        return node;
    }

    private static ulong HopIdOf(byte[] route)
    {
        Assert.True(RoutedFrame.TryReadRoute(route, out RouteHeader header, out _));
        return header.HopId;
    }

    private static RouteHeader ToSelf(ulong hopId) => new(
        TestService, Self, Id(900), hopId, 64, RouteFlags.None, uint.MaxValue);

    private static Key Id(ulong value) => new(0, 0, 0, value);
}
