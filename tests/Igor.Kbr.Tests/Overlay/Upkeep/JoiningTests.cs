using System.Collections.Immutable;
using Igor.Kbr.Overlay;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Tests.Overlay.Links;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Upkeep;

public class JoiningTests
{
    [Fact]
    public void Sixteen_that_start_at_once_through_one_address_are_one_ring_within_three_seconds()
    {
        var network = new TestNetwork();
        var random = new SeededRandom(16);
        TestNode first = network.Add(random.NextKey());
        for (int i = 1; i < 16; i++)
        {
            network.Add(random.NextKey(), through: first);
        }

        network.Until(
            () => network.Nodes.TrueForAll(n => n.Overlay.Neighbours(ServiceId.Base).Count == 15),
            TimeSpan.FromSeconds(3));
        Assert.All(network.Nodes, n => Assert.True(n.Overlay.IsJoined));
    }

    /// <summary>
    /// Where many join at once each hears of the others only as they get their places, so that it has to
    /// check its own several times.
    /// </summary>
    [Fact]
    public void Node_that_hears_of_a_nearer_one_checks_its_place_again_once_that_is_connected()
    {
        var node = new LoneNode(
            new Key(0, 0, 0, 100), new OverlayOptions { Bootstrap = ["10.1.1.1:1"], DialPrivate = true });
        LinkId member = node.Connect(new Key(0, 0, 0, 900), node.Dials[0].Dial, "10.1.1.1:1");
        byte[] question = Assert.Single(node.Frames(member, MessageType.Route));
        Assert.True(RoutedFrame.TryReadRoute(question, out RouteHeader header, out _));
        byte[] reply = LoneNode.ReplyFrame(
            header.HopId, ReplyStatus.Ok, header.Destination, NearReply.Write([]).ToArray());
        node.Overlay.HandleFrame(node.Now, member, reply);
        Answer(node, member, new Contact(new Key(0, 0, 0, 300), ["10.2.2.2:2"]));
        Assert.Equal("10.2.2.2:2", node.Dials[^1].Address);

        LinkId nearer = node.Connect(new Key(0, 0, 0, 300), node.Dials[^1].Dial, "10.2.2.2:2");
        Answer(node, nearer);
        Answer(node, member);
        Assert.True(node.Overlay.IsJoined, "it has not waited");
    }

    /// <summary>
    /// Neighbours that came after its lookup are found by another one, not by going around the ring from one
    /// to the next that is named.
    /// </summary>
    [Fact]
    public void Node_that_is_led_from_one_to_the_next_looks_its_neighbours_up_again()
    {
        var node = new LoneNode(
            new Key(0, 0, 0, 100), new OverlayOptions { Bootstrap = ["10.1.1.1:1"], DialPrivate = true });
        LinkId last = node.Connect(new Key(0, 0, 0, 900), node.Dials[0].Dial, "10.1.1.1:1");
        byte[] question = Assert.Single(node.Frames(last, MessageType.Route));
        Assert.True(RoutedFrame.TryReadRoute(question, out RouteHeader header, out _));
        node.Overlay.HandleFrame(node.Now, last, LoneNode.ReplyFrame(
            header.HopId, ReplyStatus.Ok, header.Destination, NearReply.Write([]).ToArray()));
        LinkId next = last;
        for (ulong step = 1; Lookups() == 1; step++)
        {
            Assert.InRange(step, 1ul, 3ul);
            var nearer = new Key(0, 0, 0, 900 - (100 * step));
            string address = $"10.2.2.{step}:2";
            Answer(node, next, new Contact(nearer, [address]));
            if (next != last)
            {
                node.Say(last, new PlaceReplyMessage([ServiceId.Base], [], ServiceId.Base, []));
            }

            Assert.Equal(address, node.Dials[^1].Address);
            next = node.Connect(nearer, node.Dials[^1].Dial, address);
            node.Run(TimeSpan.FromMilliseconds(step < 3 ? 50 : 1000));
        }

        int Lookups() => node.Sent.Count(sent => sent.Frame[1] == (byte)MessageType.Route
            && RoutedFrame.TryReadRoute(sent.Frame, out RouteHeader route, out _)
            && route.Destination == node.Overlay.Id);
    }

    /// <summary>Answers the question for its place that the node asks now, with who is nearer.</summary>
    private static void Answer(LoneNode node, LinkId link, params ImmutableArray<Contact> nearer)
    {
        node.Run(TimeSpan.FromMilliseconds(11));
        node.Say(link, nearer.IsEmpty
            ? new PlaceReplyMessage([ServiceId.Base], [], ServiceId.Base, [])
            : new PlaceReplyMessage([], [], ServiceId.Base, nearer));
    }

    [Fact]
    public void Look_into_another_ring_that_is_lost_on_the_way_is_repeated()
    {
        var network = new TestNetwork();
        var random = new SeededRandom(1);
        Grow(network, random, null);
        TestNode far = network.Nodes[0];
        network.ByAddress.Remove(far.Address);
        Grow(network, random, far.Address);
        TestNode near = network.Nodes[40];
        int looks = 0;
        network.Loses = (from, to, body) => from == near && to == far
            && RoutedFrame.TryReadRoute(body, out RouteHeader header, out _)
            && header.Destination == near.Id && ++looks == 1;
        network.ByAddress[far.Address] = far;
        network.Until(() => looks == 1, TimeSpan.FromMinutes(3));
        network.Until(() => looks == 2, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void A_service_is_founded_although_some_dial_is_always_under_way()
    {
        var network = new TestNetwork();
        var random = new SeededRandom(2);
        network.BlackHoles.Add("10.9.9.9:1");
        TestNode first = network.Add(random.NextKey());
        TestNode node = network.Add(
            random.NextKey(), o => o with { Bootstrap = [first.Address, "10.9.9.9:1"] });
        node.Join("test");
        network.Until(
            () => node.Overlay.Neighbours(ServiceId.FromName("test")).IsMember, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void No_ring_is_founded_beside_a_member_whose_list_of_services_is_on_its_way()
    {
        var node = new LoneNode(new Key(0, 0, 0, 100), new OverlayOptions { Bootstrap = ["10.1.1.1:1"] });
        node.Run(TimeSpan.FromMilliseconds(700));
        LinkId link = node.Open(new Key(0, 0, 0, 900), node.Dials[0].Dial);
        node.Greet(link, Unlisted);
        node.Run(TimeSpan.FromSeconds(2));
        Assert.False(node.Overlay.IsJoined);
        node.Run(TimeSpan.FromSeconds(3));
        Assert.True(node.Overlay.IsJoined, "whoever never says what it runs is not waited for");
    }

    [Fact]
    public void Member_of_another_ring_that_lists_its_services_later_is_looked_into_too()
    {
        var node = new LoneNode(
            new Key(0, 0, 0, 100), new OverlayOptions { Bootstrap = ["10.1.1.1:1"], Found = true });
        node.Run(TimeSpan.FromSeconds(3));
        Assert.True(node.Overlay.IsJoined);
        LinkId link = node.Open(new Key(0, 0, 0, 900), node.Dials[^1].Dial);
        node.Greet(link, Unlisted);
        node.Sent.Clear();
        node.Say(link, new ServicesMessage(0, 9, [ServiceId.Base], []));
        Assert.Contains(node.Frames(link, MessageType.Route), frame =>
            RoutedFrame.TryReadRoute(frame, out RouteHeader header, out _)
            && header.Destination == node.Overlay.Id);
    }

    /// <summary>
    /// Others come while it waits for the first member of a service; none of them is a reason to wait longer.
    /// </summary>
    [Fact]
    public void Node_that_many_connect_to_takes_its_place_in_a_service_as_soon_as_a_member_comes()
    {
        var node = new LoneNode(new Key(0, 0, 0, 100));
        Greet(1);
        node.Overlay.Subscribe(
            node.Now, new SubscribeOptions { Service = "dht", Role = ServiceRole.Member });
        for (int i = 2; i <= 15; i++)
        {
            Greet(i);
        }

        LinkId member = Greet(16, ServiceId.FromName("dht"));
        node.Run(TimeSpan.FromMilliseconds(50));
        PlaceQueryMessage asked = Assert.Single(node.Messages<PlaceQueryMessage>(member));
        Assert.Contains(ServiceId.FromName("dht"), asked.Next);

        LinkId Greet(int i, params ServiceId[] services)
        {
            LinkId link = node.Open(Key.PowerOfTwo(200 + i));
            node.Greet(link, Unlisted with
            {
                Services = [ServiceId.Base, .. services],
                Purpose = LinkPurpose.Neighbour,
            });
            node.Run(TimeSpan.FromMilliseconds(20));
            return link;
        }
    }

    private static HelloMessage Unlisted => new()
    {
        Network = "igor",
        Instance = 1,
        Addresses = [],
        ServicesVersion = 9,
        Services = default,
        JoinsRing = true,
        Purpose = LinkPurpose.Entry,
    };

    [Fact]
    public void Many_services_that_join_at_different_times_share_one_step()
    {
        OverlayOptions options = new() { Bootstrap = ["10.9.9.9:1"], JoinPatience = TimeSpan.FromMinutes(5) };
        var node = new OverlayNode(Key.Zero, options, new DialLog(), seed: 1);
        TimeSpan now = TimeSpan.Zero;
        node.Start(now);
        for (int i = 0; i < 50; i++)
        {
            now += TimeSpan.FromMilliseconds(1);
            node.Subscribe(now, new SubscribeOptions { Service = $"s{i}", Role = ServiceRole.Member });
        }

        int deadlines = 0;
        for (; node.NextDeadline is { } next && next < TimeSpan.FromSeconds(10); deadlines++)
        {
            node.HandleDeadline(next);
        }

        Assert.InRange(deadlines, 40, 120);
    }

    private static void Grow(TestNetwork network, SeededRandom random, string? other)
    {
        TestNode first = network.Add(
            random.NextKey(), o => o with { Bootstrap = other is null ? [] : [other] });
        network.Run(TimeSpan.FromSeconds(5));
        for (int i = 1; i < 40; i++)
        {
            network.Add(random.NextKey(), through: first);
        }

        network.Run(TimeSpan.FromSeconds(10));
    }
}
