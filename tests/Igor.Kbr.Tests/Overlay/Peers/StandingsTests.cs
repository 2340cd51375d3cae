using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Peers;

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
            Services = [new ServiceName(ServiceId.Base, string.Empty)],
        };
        _node.Say(link, (ref MessagePack.MessagePackWriter writer) => hello.Write(ref writer));
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
        // The fingers are chosen: it fills a slot, until it is found to answer nothing.
        for (int i = 0; i < 30 && _node.Standings[far] == PeerStanding.Stranger; i++)
        {
            _node.Run(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(PeerStanding.Member, _node.Standings[far]);
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
