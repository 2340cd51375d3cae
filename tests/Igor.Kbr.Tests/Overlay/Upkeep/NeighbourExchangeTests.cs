using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Upkeep;

public class NeighbourExchangeTests
{
    [Fact]
    public void Digest_of_a_client_that_claims_a_ring_without_members_is_of_no_account()
    {
        var node = new LoneNode(new Key(0, 0, 0, 100));
        node.Run(TimeSpan.FromSeconds(1));
        Assert.True(node.Overlay.IsJoined);
        LinkId link = node.Open(new Key(0, 0, 0, 900));
        node.Greet(link, new HelloMessage
        {
            Network = "igor",
            Instance = 1,
            Addresses = [],
            ServicesVersion = 1,
            Services = [ServiceId.Base],
            JoinsRing = false,
        });
        node.Say(link, new HeartbeatMessage(1, 5, 0, IsWanted: true));
        Assert.Empty(node.Frames(link, MessageType.Neighbours));
    }

    [Fact]
    public void Strangers_with_made_up_digests_leave_room_for_repair()
    {
        var node = new LoneNode(new Key(0, 0, 0, 1_000), new OverlayOptions { NeighboursPerSide = 1 });
        LinkId next = node.Connect(new Key(0, 0, 0, 1_001));
        node.Connect(new Key(0, 0, 0, 999));
        LinkId[] strangers =
        [
            .. Enumerable.Range(1, 40).Select(i => node.Connect(new Key(0, 0, (ulong)i << 40, 0))),
        ];
        ulong digest = 0;
        for (int i = 0; i <= 1_200; i++)
        {
            node.Run(TimeSpan.FromSeconds(1));
            foreach (LinkId stranger in strangers)
            {
                node.Say(stranger, new HeartbeatMessage(1, ++digest, 0, IsWanted: true));
            }
        }

        node.Sent.Clear();
        node.Say(next, new HeartbeatMessage(1, ++digest, 0, IsWanted: true));
        Assert.Single(node.Frames(next, MessageType.Neighbours));
    }

    [Fact]
    public void Whoever_tells_of_a_node_that_cannot_be_reached_hears_that()
    {
        var node = new LoneNode(new Key(0, 0, 0, 1_000));
        LinkId teller = node.Connect(new Key(0, 0, 0, 1_020));
        var dead = new Key(0, 0, 0, 1_010);
        node.Say(teller, new NeighboursMessage(
            ServiceId.Base, WantsReply: false, [new Contact(dead, ["10.9.9.9:10"])], []));

        node.Overlay.HandleDialFailed(node.Now, Assert.Single(node.Dials).Dial, "timed out");
        Assert.Equal(dead, Assert.Single(node.Messages<QuietPeerMessage>(teller)).Peer);
    }

    [Theory]
    [InlineData(1_001, 0)]
    [InlineData(999, 2)] // the lost one has the first turn
    public void Neighbour_whose_connection_died_is_dialled_again_before_it_is_given_up(
        ulong id, double withinSeconds)
    {
        var node = new LoneNode(new Key(0, 0, 0, 1_000));
        node.Connect(new Key(0, 0, 1, 0));
        LinkId link = node.Connect(new Key(0, 0, 0, id), dial: null, "10.9.9.9:7");
        node.Run(TimeSpan.FromSeconds(30));
        Assert.Empty(node.Dials);

        node.Disconnect(link);
        node.Run(TimeSpan.FromSeconds(withinSeconds));
        Assert.Equal("10.9.9.9:7", Assert.Single(node.Dials).Address);
    }

    [Fact]
    public void Lost_neighbour_that_another_one_names_is_called_dead_only_while_it_cannot_be_reached()
    {
        var node = new LoneNode(new Key(0, 0, 0, 1_000));
        LinkId teller = node.Connect(new Key(0, 0, 0, 1_020));
        var lost = new Contact(new Key(0, 0, 0, 1_010), ["10.9.9.9:7"]);
        LinkId link = node.Connect(lost.Id, dial: null, "10.9.9.9:7");
        node.Run(TimeSpan.FromSeconds(30));
        node.Disconnect(link);
        node.Overlay.HandleDialFailed(node.Now, Assert.Single(node.Dials).Dial, "timed out");
        Name();
        Assert.Single(node.Messages<QuietPeerMessage>(teller));

        node.Run(TimeSpan.FromSeconds(1.5));
        Name();
        Assert.Single(node.Messages<QuietPeerMessage>(teller));
        Assert.True(node.Dials.Count > 1);

        void Name() => node.Say(teller, new NeighboursMessage(ServiceId.Base, WantsReply: false, [lost], []));
    }

    [Fact]
    public void Neighbour_that_accepts_and_closes_is_dialled_once_in_ten_seconds()
    {
        var node = new LoneNode(new Key(0, 0, 0, 1_000));
        LinkId teller = node.Connect(new Key(0, 0, 0, 1_020));
        Enumerable.Range(1, 40).ToList().ForEach(i => node.Connect(new Key(0, 0, (ulong)i, 0)));
        var brief = new Contact(new Key(0, 0, 0, 1_010), ["10.9.9.9:7"]);
        int tries = 0;
        node.Run(TimeSpan.FromSeconds(1));
        for (int i = 0; i < 40; i++)
        {
            node.Say(teller, new NeighboursMessage(ServiceId.Base, WantsReply: false, [brief], []));
            while (node.Dials.Count > tries)
            {
                node.Disconnect(node.Connect(brief.Id, node.Dials[tries++].Dial, "10.9.9.9:7"));
            }

            node.Run(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(tries, 1, 10); // one in five seconds as a member that is away
    }

    [Fact]
    public void Client_that_claims_a_neighbours_place_is_not_dialled_when_it_goes()
    {
        var node = new LoneNode(new Key(0, 0, 0, 1_000));
        node.Connect(new Key(0, 0, 1, 0));
        LinkId link = node.Open(new Key(0, 0, 0, 1_001));
        node.Greet(link, new HelloMessage
        {
            Network = "igor",
            Instance = 1,
            Addresses = ["10.9.9.9:7"],
            ServicesVersion = 1,
            Services = [ServiceId.Base],
            JoinsRing = false,
        });
        node.Run(TimeSpan.FromSeconds(30));
        node.Disconnect(link);
        node.Run(TimeSpan.FromSeconds(5));
        Assert.Empty(node.Dials);
    }

    [Theory]
    [InlineData(700)] // no neighbours here
    [InlineData(930)]
    public void Nodes_that_a_stranger_makes_up_keep_nobody_out_that_a_neighbour_names(ulong madeUp)
    {
        var node = new LoneNode(new Key(0, 0, 0, 1_000), new OverlayOptions { NeighboursPerSide = 1 });
        LinkId neighbour = node.Connect(new Key(0, 0, 0, 1_001), dial: null, "10.9.9.9:1");
        node.Connect(new Key(0, 0, 0, 900), dial: null, "10.9.9.9:2");
        LinkId stranger = node.Connect(new Key(0, 0, 0, 100), dial: null, "10.9.9.9:3");
        node.Run(TimeSpan.FromSeconds(5));
        for (ulong i = 0; i < 64; i++)
        {
            Name(stranger, new Contact(new Key(0, 0, 0, madeUp + i), ["10.9.9.9:4"]));
        }

        Name(neighbour, new Contact(new Key(0, 0, 0, 995), ["10.9.9.9:5"]));
        node.Run(TimeSpan.FromSeconds(2));
        Assert.Contains(node.Dials, dial => dial.Address == "10.9.9.9:5");

        void Name(LinkId link, Contact contact) =>
            node.Say(link, new NeighboursMessage(ServiceId.Base, WantsReply: false, [contact], []));
    }

    [Fact]
    public void Neighbour_that_left_is_not_dialled_again()
    {
        var node = new LoneNode(new Key(0, 0, 0, 1_000));
        node.Connect(new Key(0, 0, 1, 0));
        LinkId link = node.Connect(new Key(0, 0, 0, 1_001), dial: null, "10.9.9.9:7");
        node.Run(TimeSpan.FromSeconds(30));
        node.Say(link, new GoodbyeMessage(GoodbyeReason.Leaving, "bye"));
        node.Run(TimeSpan.FromSeconds(10));
        Assert.Empty(node.Dials);
    }
}
