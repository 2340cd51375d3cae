using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Links;

public class StandingsTests
{
    private static readonly Key Self = new(0, 0, 0, 1000);
    private static readonly OverlayOptions OnePerSide = new() { NeighboursPerSide = 1 };

    private readonly LoneNode _node = new(Self, OnePerSide);

    [Fact]
    public void A_link_without_a_hello_has_no_standing()
    {
        LinkId link = _node.Open(new Key(0, 0, 0, 2000));
        Assert.False(_node.Standings.ContainsKey(link));
    }

    [Fact]
    public void A_neighbour_that_can_be_reached_is_a_member()
    {
        LinkId link = Connect(new Key(0, 0, 0, 2000), "10.0.0.2:1");
        Assert.Equal(PeerStanding.Member, _node.Standings[link]);
    }

    [Fact]
    public void A_peer_that_claims_the_ring_and_can_be_reached_nowhere_is_a_stranger()
    {
        LinkId link = Connect(new Key(0, 0, 0, 2000));
        Assert.Equal(PeerStanding.Stranger, _node.Standings[link]);
    }

    [Fact]
    public void A_client_is_a_stranger()
    {
        LinkId link = _node.Open(new Key(0, 0, 0, 2000));
        var hello = new HelloMessage
        {
            Network = "igor",
            Instance = 1,
            JoinsRing = false,
            Addresses = ["10.0.0.2:1"],
            ServicesVersion = 1,
            Services = [ServiceId.Base],
        };
        _node.Greet(link, hello);
        Assert.Equal(PeerStanding.Stranger, _node.Standings[link]);
    }

    [Fact]
    public void A_neighbour_that_is_displaced_and_no_finger_becomes_a_stranger_until_it_is_used_again()
    {
        LinkId far = Connect(new Key(0, 0, 0, 1900), "10.0.0.2:1");
        Connect(new Key(0, 0, 0, 900), "10.0.0.3:1");
        LinkId near = Connect(new Key(0, 0, 0, 1100), "10.0.0.4:1");
        Assert.Equal(PeerStanding.Member, _node.Standings[near]);
        Assert.Equal(PeerStanding.Stranger, _node.Standings[far]);
        LinkId finger = _node.Open(new Key(0, 0, 0, 1900));
        _node.Greet(finger, new HelloMessage
        {
            Network = "igor",
            Instance = 1,
            Addresses = ["10.0.0.2:1"],
            ServicesVersion = 1,
            Services = [ServiceId.Base],
            Purpose = LinkPurpose.Finger,
        });
        Assert.Equal(PeerStanding.Reached, _node.Standings[finger]);
    }

    [Theory]
    [InlineData((int)LinkPurpose.Entry, false)]
    [InlineData((int)LinkPurpose.Neighbour, false)]
    [InlineData((int)LinkPurpose.MeetingPlace, false)]
    [InlineData((int)LinkPurpose.Finger, true)]
    public void A_peer_is_a_finger_where_a_link_was_opened_for_that(int purpose, bool isFinger)
    {
        var far = new Key(1, 0, 0, 0);
        Connect(new Key(0, 0, 0, 900), "10.0.0.3:1");
        Connect(new Key(0, 0, 0, 1100), "10.0.0.4:1");
        for (int i = 0; i < 2; i++) // the second link to it is no other
        {
            _node.Greet(_node.Open(far), new HelloMessage
            {
                Network = "igor",
                Instance = 1,
                Addresses = ["10.0.0.2:1"],
                ServicesVersion = 1,
                Services = [ServiceId.Base],
                Purpose = (LinkPurpose)purpose,
            });
            Assert.Equal(isFinger, _node.Overlay.Peers.Single(peer => peer.Id == far).IsFinger);
        }
    }

    [Fact]
    public void A_neighbour_in_a_service_that_this_node_runs_no_more_becomes_a_stranger()
    {
        _node.Join("tea");
        Connect(new Key(0, 0, 0, 1100), "10.0.0.3:1");
        Connect(new Key(0, 0, 0, 900), "10.0.0.4:1");
        LinkId link = _node.Open(new Key(0, 0, 0, 1900));
        _node.Greet(link, new HelloMessage
        {
            Network = "igor",
            Instance = 1,
            Addresses = ["10.0.0.2:1"],
            ServicesVersion = 1,
            Services = [ServiceId.Base, ServiceId.FromName("tea")],
        });
        Assert.Equal(PeerStanding.Member, _node.Standings[link]);
        _node.Overlay.Unsubscribe(_node.Now, ServiceId.FromName("tea"), ServiceRole.Member);
        Assert.Equal(PeerStanding.Stranger, _node.Standings[link]);
    }

    [Fact]
    public void A_peer_that_this_node_dialled_and_does_not_use_is_less_than_a_member_and_no_stranger()
    {
        LoneNode node = Crowded(out DialId dial);
        LinkId dialled = node.Connect(new Key(0, 0, 0, 1900), dial, "10.0.0.2:1");
        Assert.Equal(PeerStanding.Reached, node.Standings[dialled]);
        LinkId came = node.Connect(new Key(0, 0, 0, 1800), dial: null, "10.0.0.5:1");
        Assert.Equal(PeerStanding.Stranger, node.Standings[came]);
    }

    [Fact]
    public void A_peer_that_came_and_was_dialled_too_has_been_reached_on_both_links()
    {
        LoneNode node = Crowded(out DialId dial);
        LinkId came = node.Connect(new Key(0, 0, 0, 1900), dial: null, "10.0.0.2:1");
        Assert.Equal(PeerStanding.Stranger, node.Standings[came]);
        LinkId dialled = node.Connect(new Key(0, 0, 0, 1900), dial, "10.0.0.2:1");
        Assert.Equal(PeerStanding.Reached, node.Standings[came]);
        Assert.Equal(PeerStanding.Reached, node.Standings[dialled]);
    }

    [Fact]
    public void A_peer_that_was_dialled_and_names_no_address_is_a_stranger()
    {
        LoneNode node = Crowded(out DialId dial);
        LinkId link = node.Connect(new Key(0, 0, 0, 1900), dial);
        Assert.Equal(PeerStanding.Stranger, node.Standings[link]);
    }

    /// <summary>A node with nearer neighbours than the next, and a dial that is under way.</summary>
    private static LoneNode Crowded(out DialId dial)
    {
        var node = new LoneNode(
            Self, OnePerSide with { Bootstrap = ["192.0.2.9:9"], JoinPatience = TimeSpan.FromMinutes(1) });
        dial = Assert.Single(node.Dials).Dial;
        node.Connect(new Key(0, 0, 0, 900), dial: null, "10.0.0.3:1");
        node.Connect(new Key(0, 0, 0, 1100), dial: null, "10.0.0.4:1");
        return node;
    }

    [Fact]
    public void A_second_link_to_a_member_has_its_standing()
    {
        var peer = new Key(0, 0, 0, 2000);
        Connect(peer, "10.0.0.2:1");
        LinkId second = Connect(peer, "10.0.0.2:1");
        Assert.Equal(PeerStanding.Member, _node.Standings[second]);
    }

    [Fact]
    public void The_nodes_of_a_small_ring_are_members_to_one_another()
    {
        var network = new TestNetwork();
        var random = new SeededRandom(3);
        TestNode first = network.Add(random.NextKey());
        TestNode second = network.Add(random.NextKey(), through: first);
        TestNode client = network.Add(random.NextKey(), o => o with { JoinsRing = false }, first);
        network.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(PeerStanding.Member, first.Standings[second.Id]);
        Assert.Equal(PeerStanding.Member, second.Standings[first.Id]);
        Assert.Equal(PeerStanding.Stranger, first.Standings[client.Id]);
        Assert.Equal(PeerStanding.Member, client.Standings[first.Id]);
    }

    private LinkId Connect(Key peer, params string[] addresses)
    {
        LinkId link = _node.Open(peer);
        _node.Hello(link, addresses);
        return link;
    }
}
