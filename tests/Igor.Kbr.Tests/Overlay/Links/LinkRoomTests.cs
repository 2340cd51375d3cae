using System.Collections.Immutable;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Links;

public class LinkRoomTests
{
    private const int LinksMax = 16;
    private static readonly Key Self = new(0, 0, 0, 1000);
    private static readonly string[] Services = [.. "abcdefghijklmnop".Select(name => name.ToString())];

    [Fact]
    public void Neighbour_in_the_ring_takes_the_place_of_one_in_a_service_and_a_nearer_one_its_place()
    {
        (LoneNode node, List<LinkId> ofServices) = Crowded();
        for (ulong nearer = 1; nearer <= 60; nearer++)
        {
            var id = new Key(0, 0, 0, 900 + nearer);
            LinkId link = node.Open(id);
            node.Greet(link, Hello(LinkPurpose.Neighbour));
            Assert.Contains(node.Overlay.Peers, p => p.Id == id && p.IsNeighbour);
            Assert.InRange(node.Overlay.FiguresAt(node.Now).Links, 1, 2 * LinksMax);
        }

        // The newest one in but one service; all others were neighbours in the ring before.
        Assert.Equal(ofServices[^1], node.Closed[0]);
        Assert.Equal([ofServices[^1]], node.Closed.Intersect(ofServices));
        Assert.Equal(
            GoodbyeReason.Unneeded, Assert.Single(node.Messages<GoodbyeMessage>(node.Closed[0])).Reason);
    }

    [Fact]
    public void Full_node_refuses_who_is_needed_no_more_than_those_that_it_has()
    {
        (LoneNode node, _) = Crowded();
        for (ulong i = 1; i <= 60; i++)
        {
            LinkId link = node.Open(Key.PowerOfTwo(220) + new Key(0, 0, 0, i));
            node.Greet(link, Hello(LinkPurpose.Neighbour, "a", "b"));
            Assert.Equal(GoodbyeReason.Full, Assert.Single(node.Messages<GoodbyeMessage>(link)).Reason);
        }

        Assert.Equal(60, node.Closed.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Links_that_say_no_hello_keep_no_neighbour_out(int seconds)
    {
        var options = new OverlayOptions { LinksMax = LinksMax, NeighboursPerSide = 1 };
        var node = new LoneNode(Self, options, arePeersSilent: true);
        node.Greet(node.Open(new Key(0, 0, 0, 900)), Hello(LinkPurpose.Neighbour));
        node.Greet(node.Open(new Key(0, 0, 0, 2000)), Hello(LinkPurpose.Neighbour));
        LinkId[] mute =
        [
            .. Enumerable.Range(0, 60).Select(i => node.Open(Self + Key.PowerOfTwo(150 + i))),
        ];
        LinkId[] open = [.. mute.Except(node.Closed)];
        Assert.Equal(LinksMax - 2, open.Length);
        node.Run(TimeSpan.FromSeconds(seconds));
        LinkId link = node.Open(new Key(0, 0, 0, 950));
        node.Greet(link, Hello(LinkPurpose.Neighbour));
        Assert.Contains(node.Overlay.Peers, p => p.Id == new Key(0, 0, 0, 950) && p.IsNeighbour);
        Assert.Equal([open[0]], node.Closed.Intersect(open));
    }

    [Fact]
    public void Neighbours_that_come_at_once_do_not_end_each_others_links()
    {
        (LoneNode node, _) = Crowded();
        LinkId[] links = [node.Open(new Key(0, 0, 0, 950)), node.Open(new Key(0, 0, 0, 1500))];
        Array.ForEach(links, link => node.Greet(link, Hello(LinkPurpose.Neighbour)));
        Assert.Empty(node.Closed.Intersect(links));
        Assert.Contains(node.Overlay.Peers, p => p.Id == new Key(0, 0, 0, 950));
        Assert.Contains(node.Overlay.Peers, p => p.Id == new Key(0, 0, 0, 1500));
    }

    [Fact]
    public void Who_says_it_on_a_second_link_gets_no_more_than_the_share()
    {
        var node = new LoneNode(Self, new OverlayOptions { NeighboursPerSide = 1 });
        node.Connect(Self + new Key(0, 0, 0, 1), dial: null, "10.0.0.3:1");
        node.Connect(Self - new Key(0, 0, 0, 1), dial: null, "10.0.0.4:1");
        LinkId[] second = [.. Enumerable.Range(0, 60).Select(i =>
        {
            Key hostile = Self + Key.PowerOfTwo(150 + i);
            node.Greet(node.Open(hostile), Hello(LinkPurpose.Entry));
            LinkId link = node.Open(hostile);
            node.Greet(link, Hello(LinkPurpose.Finger));
            return link;
        })];

        Assert.Equal(
            new OverlayOptions().LinksMax / 4,
            second.Count(link => node.Standings.GetValueOrDefault(link) == PeerStanding.Reached));
    }

    [Fact]
    public void Who_says_that_it_dials_for_a_finger_gets_a_bounded_share_and_no_trust()
    {
        var node = new LoneNode(Self, new OverlayOptions { NeighboursPerSide = 1 });
        node.Connect(Self + new Key(0, 0, 0, 1), dial: null, "10.0.0.3:1");
        node.Connect(Self - new Key(0, 0, 0, 1), dial: null, "10.0.0.4:1");
        LinkId[] hostile = [.. Enumerable.Range(0, 100).Select(i =>
        {
            LinkId link = node.Open(Self + Key.PowerOfTwo(150 + i));
            node.Greet(link, Hello(LinkPurpose.Finger));
            return link;
        })];
        LinkId[] taken = [.. hostile.Except(node.Closed)];
        Assert.Equal(new OverlayOptions().LinksMax / 4, taken.Length);
        Assert.All(taken, link => Assert.Equal(PeerStanding.Reached, node.Standings[link]));
        Assert.Equal(2, node.Overlay.KnownMembers.Count);

        // What one of them tells is a stranger's word: two dials, of as many as a member may tell of.
        ImmutableArray<Contact> told =
        [
            .. Enumerable.Range(2, 40).Select(i =>
                new Contact(Self + new Key(0, 0, 0, (ulong)i), [$"198.51.100.{i}:1"])),
        ];
        node.Say(taken[0], new NeighboursMessage(ServiceId.Base, false, told, []));
        Assert.InRange(node.Dials.Count, 0, 2);
    }

    [Fact]
    public void Finger_that_the_node_dialled_itself_is_a_member_to_it()
    {
        var node = new LoneNode(Self, new OverlayOptions { NeighboursPerSide = 1 });
        node.Connect(Self + new Key(0, 0, 0, 1), dial: null, "10.0.0.3:1");
        node.Connect(Self - new Key(0, 0, 0, 1), dial: null, "10.0.0.4:1");
        Key far = Self + Key.PowerOfTwo(200);
        node.Overlay.Connect(node.Now, new Contact(far, ["198.51.100.9:1"]), LinkPurpose.Finger);
        LinkId link = node.Connect(far, node.Dials[^1].Dial, "198.51.100.9:1");
        Assert.Equal(PeerStanding.Member, node.Standings[link]);
    }

    [Fact]
    public void Meeting_places_that_others_see_in_a_node_have_a_bounded_share()
    {
        var node = new LoneNode(Self, new OverlayOptions { NeighboursPerSide = 1 });
        for (int i = 0; i < 100; i++)
        {
            node.Greet(node.Open(Self + Key.PowerOfTwo(150 + i)), Hello(LinkPurpose.MeetingPlace));
        }

        Assert.InRange(node.Overlay.Peers.Count, 2, 2 + (new OverlayOptions().LinksMax / 4));
    }

    [Fact]
    public void Full_node_hears_a_neighbour_in_a_service_and_ends_a_link_that_it_does_not_need()
    {
        (LoneNode node, LinkId[] strangers) = Full();
        Key id = Self + Key.PowerOfTwo(100);
        LinkId early = node.Open(id);
        node.Greet(early, Hello(LinkPurpose.Neighbour, "a"));
        Assert.Equal([early], node.Closed); // those who have just come may become neighbours yet
        node.Run(TimeSpan.FromSeconds(11));
        node.Greet(node.Open(id), Hello(LinkPurpose.Entry));
        Assert.Equal(2, node.Closed.Count);
        node.Greet(node.Open(id), Hello(LinkPurpose.Neighbour, "a"));
        Assert.Contains(node.Overlay.Peers, p => p.Id == id && p.IsNeighbour);
        Assert.Single(node.Closed.Intersect(strangers));
    }

    [Fact]
    public void Links_that_say_no_hello_keep_no_neighbour_in_a_service_out()
    {
        (LoneNode node, _) = Full();
        node.Run(TimeSpan.FromSeconds(11));
        for (int i = 0; i < 60; i++)
        {
            node.Open(Self + Key.PowerOfTwo(150 + i));
        }

        node.Run(TimeSpan.FromSeconds(2));
        Key id = Self + Key.PowerOfTwo(100);
        node.Greet(node.Open(id), Hello(LinkPurpose.Neighbour, "a"));
        Assert.Contains(node.Overlay.Peers, p => p.Id == id && p.IsNeighbour);
    }

    /// <summary>A few at once may be neighbours that come together.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Links_that_lead_to_no_peer_end_few_of_the_peers(bool sayHello)
    {
        (LoneNode node, _) = Full();
        node.Run(TimeSpan.FromSeconds(11));
        int peers = node.Overlay.Peers.Count;
        for (ulong i = 0; i < 100; i++)
        {
            LinkId link = node.Open(new Key(0, 0, 0, 1100 + (i % 3)));
            if (sayHello)
            {
                node.Say(link, Hello(LinkPurpose.Neighbour, "a"));
            }
        }

        Assert.InRange(node.Overlay.Peers.Count, peers - 2, peers);
    }

    [Fact]
    public void Those_who_meet_their_services_at_a_full_node_do_not_end_each_others_links()
    {
        (LoneNode node, LinkId[] strangers) = Full();
        node.Run(TimeSpan.FromSeconds(11));
        LinkId[] meeting = [.. Enumerable.Range(0, 12).Select(i =>
        {
            LinkId link = node.Open(Self + Key.PowerOfTwo(150 + i));
            node.Greet(link, Hello(LinkPurpose.MeetingPlace));
            node.Run(TimeSpan.FromSeconds(11));
            return link;
        })];
        Assert.Equal(meeting[4..], node.Closed.Intersect(meeting)); // beyond their share
        Assert.Equal(4, node.Closed.Intersect(strangers).Count());
    }

    /// <summary>
    /// A node in one service that has its neighbours in the ring, and all links taken by fingers that others
    /// chose and nodes that are nothing to it.
    /// </summary>
    private static (LoneNode Node, LinkId[] Strangers) Full()
    {
        var options = new OverlayOptions { LinksMax = LinksMax, NeighboursPerSide = 1 };
        var node = new LoneNode(Self, options);
        node.Join("a");
        node.Greet(node.Open(new Key(0, 0, 0, 900)), Hello(LinkPurpose.Neighbour));
        node.Greet(node.Open(new Key(0, 0, 0, 2000)), Hello(LinkPurpose.Neighbour));
        LinkId[] Open(int count, int exponent, LinkPurpose purpose) =>
        [
            .. Enumerable.Range(0, count).Select(i =>
            {
                LinkId link = node.Open(Self + Key.PowerOfTwo(exponent + i));
                node.Greet(link, Hello(purpose));
                return link;
            }),
        ];
        Open(4, 200, LinkPurpose.Finger);
        LinkId[] strangers = Open(9, 210, LinkPurpose.Neighbour);
        Assert.Empty(node.Closed);
        return (node, strangers);
    }

    /// <summary>
    /// A node in so many services that it has four times as many links, which are all taken by its neighbours
    /// in these, but for two; the first of them is one in two services.
    /// </summary>
    private static (LoneNode Node, List<LinkId> OfServices) Crowded()
    {
        var options = new OverlayOptions { LinksMax = LinksMax / 2, NeighboursPerSide = 1 };
        var node = new LoneNode(Self, options, arePeersSilent: true);
        Array.ForEach(Services, service => node.Join(service));
        node.Greet(node.Open(new Key(0, 0, 0, 900)), Hello(LinkPurpose.Neighbour));
        node.Greet(node.Open(new Key(0, 0, 0, 2000)), Hello(LinkPurpose.Neighbour));
        var links = new List<LinkId>();
        for (int i = 0; i < 28; i++)
        {
            Key place = Key.PowerOfTwo(230) + new Key(0, 0, 0, (ulong)i);
            links.Add(node.Open(i % 2 == 0 ? Self + place : Self - place));
            string service = Services[(i + 1) / 2];
            node.Greet(links[i], Hello(LinkPurpose.Neighbour, i == 0 ? ["a", "p"] : [service]));
            node.Run(TimeSpan.FromMilliseconds(1));
        }

        Assert.Empty(node.Closed);
        Assert.All(node.Overlay.Peers, peer => Assert.True(peer.IsNeighbour));
        return (node, links);
    }

    private static HelloMessage Hello(LinkPurpose purpose, params string[] services) => new()
    {
        Network = "igor",
        Instance = 1,
        Addresses = ["198.51.100.1:1"],
        ServicesVersion = 1,
        Services = [ServiceId.Base, .. services.Select(ServiceId.FromName)],
        Purpose = purpose,
    };
}
