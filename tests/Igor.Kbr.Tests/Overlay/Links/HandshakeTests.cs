using System.Collections.Immutable;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Links;

public class HandshakeTests
{
    private static readonly Key Self = new(0, 0, 0, 100);
    private static readonly Key Larger = new(0, 0, 0, 200);
    private static readonly Key Reinstalled = new(0, 0, 0, 300);

    private readonly LoneNode _node = new(
        Self, new OverlayOptions { Bootstrap = ["10.9.9.9:9"] }, arePeersSilent: true);

    [Fact]
    public void An_address_without_a_host_gets_that_of_the_link()
    {
        LinkId link = _node.Open(Larger, remoteAddress: "[2001:db8::1]:5000");
        _node.Hello(link, "[::]:4001", "0.0.0.0:4001", "192.0.2.1:4001");
        Assert.Equal(
            ["[2001:db8::1]:4001", "[2001:db8::1]:4001", "192.0.2.1:4001"],
            Assert.Single(_node.Overlay.Peers).Addresses.ToArray());
    }

    [Fact]
    public void An_address_that_would_break_the_frames_it_is_passed_on_in_is_left_out()
    {
        const string Wildcard = "[::]:";
        string longest = Wildcard + new string('1', WireLimits.AddressLengthMax - Wildcard.Length);
        LinkId link = _node.Open(Larger, remoteAddress: "10.9.9.9:5000");
        _node.Hello(link, longest, "10.9.9.9:4001");
        Assert.Equal(["10.9.9.9:4001"], Assert.Single(_node.Overlay.Peers).Addresses.ToArray());
    }

    [Fact]
    public void An_address_that_the_peer_may_not_tell_of_is_left_out()
    {
        LinkId link = _node.Open(Larger, remoteAddress: "192.0.2.7:5000");
        _node.Hello(link, "10.0.0.1:1", "127.0.0.1:22", "name:4001", "198.51.100.7:4001");
        Assert.Equal(["198.51.100.7:4001"], Assert.Single(_node.Overlay.Peers).Addresses.ToArray());
    }

    [Fact]
    public void A_link_that_went_dark_gives_way_to_the_one_that_the_peer_opened_instead()
    {
        LinkId dark = _node.Connect(Larger, _node.Dials[0].Dial);
        _node.Run(TimeSpan.FromSeconds(1));
        LinkId live = _node.Connect(Larger);
        PingEverySecond(live, seconds: 20);
        Assert.Equal([dark], _node.Closed);
        Assert.DoesNotContain(_node.Events, e => e.Kind == OverlayEventKind.PeerLost);
    }

    [Fact]
    public void A_link_that_is_alive_stays_when_the_peer_opened_another_meanwhile()
    {
        LinkId first = _node.Connect(Larger, _node.Dials[0].Dial);
        LinkId second = _node.Connect(Larger);
        PingEverySecond(first, seconds: 20);
        Assert.Equal([second], _node.Closed);
        Assert.DoesNotContain(_node.Events, e => e.Kind == OverlayEventKind.PeerLost);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Of_two_links_that_a_peer_opened_the_peer_chooses(bool keepsFirst)
    {
        LinkId first = _node.Connect(Larger);
        LinkId second = _node.Connect(Larger);
        (LinkId kept, LinkId closed) = keepsFirst ? (first, second) : (second, first);
        PingEverySecond(kept, seconds: 5);
        _node.Overlay.HandleLinkClosed(_node.Now, closed, "closed");
        PingEverySecond(kept, seconds: 20);
        Assert.Empty(_node.Closed);
        Assert.DoesNotContain(_node.Events, e => e.Kind == OverlayEventKind.PeerLost);
    }

    [Fact]
    public void A_second_link_that_its_opener_forgot_is_closed()
    {
        LinkId forgotten = _node.Connect(Larger);
        LinkId live = _node.Connect(Larger);
        PingEverySecond(live, seconds: 20);
        Assert.Equal([forgotten], _node.Closed);
    }

    [Fact]
    public void A_hello_of_a_second_link_that_is_older_takes_nothing_back()
    {
        LinkId first = _node.Connect(Larger, _node.Dials[0].Dial);
        _node.Say(first, new ServicesMessage(1, 2, [ServiceId.FromName("later")], []));
        _node.Connect(Larger);
        Assert.Contains(
            ServiceId.FromName("later").ToString(), Assert.Single(_node.Overlay.Peers).Services);
    }

    [Fact]
    public void An_address_where_another_node_answers_now_is_not_dialled_for_the_lost_one()
    {
        LinkId lost = _node.Connect(Larger, dial: null, "10.9.9.8:1");
        _node.Overlay.HandleLinkClosed(_node.Now, lost, "broken");
        LinkId reinstalled = _node.Connect(Reinstalled);
        PingEverySecond(reinstalled, seconds: 10);
        DialId dial = Assert.Single(_node.Dials, d => d.Address == "10.9.9.8:1").Dial;
        LinkId second = _node.Open(Reinstalled, dial);
        Assert.Equal([second], _node.Closed);
        Assert.DoesNotContain(_node.Sent, s => s.Link == second);
        PingEverySecond(reinstalled, seconds: 60);
        Assert.Single(_node.Dials, d => d.Address == "10.9.9.8:1");
    }

    [Fact]
    public void A_reply_goes_over_the_other_link_when_the_one_that_the_request_came_on_was_closed()
    {
        var node = new LoneNode(Self, arePeersSilent: true);
        node.Overlay.Subscribe(
            node.Now, new SubscribeOptions { Service = "test", Role = ServiceRole.Member });
        LinkId first = node.Connect(Larger);
        node.Ask(first, Larger, ServiceId.FromName("test"), hopId: 7);
        LinkId second = node.Connect(Larger);
        PingEverySecond(node, second, seconds: 15);
        Assert.Equal([first], node.Closed);
        node.Sent.Clear();
        node.Overlay.Reply(node.Now, Assert.Single(node.Deliveries).Token, new byte[] { 1 });
        Assert.Equal(second, Assert.Single(node.Sent).Link);
    }

    [Fact]
    public void Peer_that_refuses_this_node_is_never_a_neighbour()
    {
        var node = new LoneNode(Self);
        node.Join("test");
        int changes = node.Changes;
        for (int i = 0; i < 20; i++)
        {
            LinkId link = node.Open(Larger);
            node.Say(link, Hello(LinkPurpose.Neighbour));
            node.Say(link, new GoodbyeMessage(GoodbyeReason.Full, "no room"));
            node.Run(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(changes, node.Changes);
        Assert.Empty(node.Overlay.Peers);
    }

    [Fact]
    public void Peer_counts_once_it_has_accepted_and_not_before()
    {
        LinkId link = _node.Open(Larger);
        _node.Say(link, Hello(LinkPurpose.Neighbour));
        Assert.Single(_node.Messages<AcceptMessage>(link));
        Assert.Empty(_node.Overlay.Peers);
        _node.Say(link, new AcceptMessage(0, 1_000_000));
        Assert.Single(_node.Overlay.Peers);
    }

    [Fact]
    public void Frame_larger_than_a_peer_accepts_goes_another_way()
    {
        const int Least = WireLimits.FrameBytesLeast;
        ServiceId service = ServiceId.FromName("test");
        var node = new LoneNode(new Key(0, 0, 0, 100));
        node.Join("test");
        LinkId narrow = node.Open(new Key(0, 0, 0, 900));
        node.Say(narrow, Hello(LinkPurpose.Neighbour) with { Services = [ServiceId.Base, service] });
        node.Say(narrow, new AcceptMessage(0, Least));
        LinkId wide = node.Connect(new Key(0, 0, 0, 800), "test");
        var options = new RequestOptions(TimeSpan.FromSeconds(10));
        node.Overlay.Request(
            node.Now, new RequestId(1), service, new Key(0, 0, 0, 1000), new byte[Least], options);
        node.Run(TimeSpan.FromSeconds(1));
        Assert.Empty(node.Frames(narrow, MessageType.Route));
        Assert.NotEmpty(node.Frames(wide, MessageType.Route));
        Assert.DoesNotContain(narrow, node.Closed);
    }

    [Fact]
    public void Peer_that_takes_small_frames_is_told_of_as_many_others_as_fit()
    {
        const int Least = WireLimits.FrameBytesLeast;
        string[] addresses =
            [.. Enumerable.Range(1, 4).Select(i => $"[2001:db8:1111:2222:3333:4444:5555:{i}]:65535")];
        var node = new LoneNode(Self, new OverlayOptions { NeighboursPerSide = 32, LinksMax = 64 });
        for (ulong id = 200; id < 248; id++)
        {
            node.Connect(new Key(0, 0, 0, id), dial: null, addresses);
        }

        LinkId narrow = node.Open(new Key(0, 0, 0, 300));
        node.Say(narrow, Hello(LinkPurpose.Neighbour));
        node.Say(narrow, new AcceptMessage(0, Least));
        node.Say(narrow, new NeighboursMessage(ServiceId.Base, WantsReply: true, [], []));
        Assert.InRange(Assert.Single(node.Messages<NeighboursMessage>(narrow)).Contacts.Length, 12, 40);
        for (ulong id = 400; id < 416; id++)
        {
            node.Connect(new Key(0, 0, 0, id), dial: null, addresses);
        }

        LinkId refused = node.Open(Key.PowerOfTwo(200));
        node.Say(refused, Hello(LinkPurpose.Entry));
        Assert.Equal(8, Assert.Single(node.Messages<GoodbyeMessage>(refused)).Contacts.Length);
        Assert.All(node.Sent, sent => Assert.InRange(sent.Frame.Length, 1, Least));
    }

    [Fact]
    public void Peer_that_accepts_hardly_any_frame_is_let_go()
    {
        LinkId link = _node.Open(Larger);
        _node.Say(link, Hello(LinkPurpose.Neighbour));
        _node.Say(link, new AcceptMessage(0, WireLimits.FrameBytesLeast - 1));
        Assert.Equal([link], _node.Closed);
    }

    [Fact]
    public void Anything_but_an_accept_after_the_hello_ends_the_connection()
    {
        LinkId link = _node.Open(Larger);
        _node.Say(link, Hello(LinkPurpose.Neighbour));
        _node.Ping(link);
        Assert.Equal([link], _node.Closed);
    }

    [Fact]
    public void Busy_node_refuses_who_is_far_and_names_others_and_takes_who_is_near()
    {
        var node = new LoneNode(Self, new OverlayOptions { LinksMax = 8, NeighboursPerSide = 1 });
        for (ulong id = 50; id <= 300; id += 50)
        {
            LinkId link = node.Open(new Key(0, 0, 0, id == 100 ? 400 : id));
            node.Greet(link, Hello(LinkPurpose.Neighbour));
        }

        LinkId far = node.Open(Key.PowerOfTwo(200));
        node.Greet(far, Hello(LinkPurpose.Entry));
        GoodbyeMessage goodbye = Assert.Single(node.Messages<GoodbyeMessage>(far));
        Assert.Equal(GoodbyeReason.Full, goodbye.Reason);
        Assert.NotEmpty(goodbye.Contacts);
        Assert.DoesNotContain(goodbye.Contacts, c => c.Addresses.IsEmpty);
        LinkId near = node.Open(new Key(0, 0, 0, 120));
        node.Greet(near, Hello(LinkPurpose.Neighbour));
        Assert.Equal([far], node.Closed);
    }

    [Fact]
    public void Node_that_is_refused_for_want_of_room_tries_the_others_that_it_was_told_of()
    {
        LinkId link = _node.Open(Larger, _node.Dials[0].Dial);
        ImmutableArray<Contact> others = [new Contact(Reinstalled, ["198.51.100.9:1"])];
        _node.Say(link, new GoodbyeMessage(GoodbyeReason.Full, "no room", others));
        Assert.Contains(_node.Dials, d => d.Address == "198.51.100.9:1");
    }

    [Fact]
    public void Slot_of_the_finger_table_takes_four_connections_of_others()
    {
        var node = new LoneNode(Self);
        LinkId[] links = [.. Enumerable.Range(0, 5).Select(i =>
        {
            LinkId link = node.Open(Self + Key.PowerOfTwo(250) + new Key(0, 0, 0, (ulong)i));
            node.Greet(link, Hello(LinkPurpose.Finger));
            return link;
        })];
        Assert.Equal([links[4]], node.Closed);
        Assert.Equal(4, node.Overlay.Peers.Count(peer => peer.IsFinger));
    }

    [Fact]
    public void A_full_node_gives_up_the_stranger_that_was_silent_longest_and_no_neighbour()
    {
        (LoneNode node, LinkId[] strangers) = Busy();
        node.Run(TimeSpan.FromSeconds(1));
        node.Ping(strangers[0]);
        node.Connect(Key.PowerOfTwo(200));
        Key[] connected = [.. node.Overlay.Peers.Select(p => p.Id)];
        Assert.Equal(6, connected.Length);
        Assert.Contains(Key.PowerOfTwo(200), connected);
        Assert.Equal([strangers[1]], node.Closed);
    }

    [Fact]
    public void A_client_takes_the_place_of_a_client_and_of_nobody_who_may_be_in_the_ring()
    {
        (LoneNode node, LinkId[] strangers) = Busy();
        LinkId refused = ConnectClient(node, 1);
        Assert.Equal([refused], node.Closed);
        node.Disconnect(strangers[3]);
        LinkId first = ConnectClient(node, 2);
        StayOn(node);
        LinkId second = ConnectClient(node, 3);
        Assert.Equal([refused, first], node.Closed);
        Assert.Contains(node.Overlay.Peers, p => p.Id == Key.PowerOfTwo(203));
        Assert.NotEqual(first, second);
    }

    /// <summary>
    /// A node with as many links as it takes from anybody, all there for longer than entries.
    /// </summary>
    private static (LoneNode Node, LinkId[] Strangers) Busy()
    {
        var options = new OverlayOptions { LinksMax = 8, NeighboursPerSide = 1, Bootstrap = ["10.9.9.9:9"] };
        var node = new LoneNode(Self, options, arePeersSilent: true);
        node.Connect(new Key(0, 0, 0, 99));
        node.Connect(new Key(0, 0, 0, 101));
        LinkId[] strangers =
            [.. Enumerable.Range(1000, 4).Select(i => node.Connect(new Key(0, 0, 0, (ulong)i)))];
        StayOn(node);
        return (node, strangers);
    }

    private static void StayOn(LoneNode node)
    {
        for (int i = 0; i < 4; i++)
        {
            node.Run(TimeSpan.FromSeconds(3));
            node.AnswerRoutes();
            node.PingAll();
        }
    }

    private static HelloMessage Hello(LinkPurpose purpose) => new()
    {
        Network = "igor",
        Instance = 1,
        Addresses = ["198.51.100.1:1"],
        ServicesVersion = 1,
        Services = [ServiceId.Base],
        Purpose = purpose,
    };

    private static LinkId ConnectClient(LoneNode node, int number)
    {
        LinkId link = node.Open(Key.PowerOfTwo(200 + number));
        var hello = new HelloMessage
        {
            Network = "igor",
            Instance = 1,
            JoinsRing = false,
            Addresses = [],
            ServicesVersion = 1,
            Services = [],
        };
        node.Greet(link, hello);
        return link;
    }

    private void PingEverySecond(LinkId link, int seconds) => PingEverySecond(_node, link, seconds);

    private static void PingEverySecond(LoneNode node, LinkId link, int seconds)
    {
        for (int i = 0; i < seconds; i++)
        {
            node.Ping(link);
            node.Run(TimeSpan.FromSeconds(1));
        }
    }
}
