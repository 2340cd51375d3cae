using System.Net;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Node.Transport.Admission;

namespace Igor.Node.Tests;

public class LinkPlacesTests
{
    private static readonly IPAddress Many = IPAddress.Parse("10.0.0.1");
    private static readonly IPAddress Few = IPAddress.Parse("10.0.0.2");

    [Fact]
    public void First_goes_the_oldest_without_a_hello_of_the_address_with_most() =>
        Assert.Equal(2, LinkPlaces.Victim(
        [
            Place(1, PeerStanding.Stranger, Many, 0, 0),
            Place(2, PeerStanding.Unknown, Few, 1, 1),
            Place(3, PeerStanding.Unknown, Many, 2, 2),
            Place(4, PeerStanding.Unknown, Many, 3, 3),
        ]));

    [Fact]
    public void Then_the_stranger_that_was_silent_longest() =>
        Assert.Equal(1, LinkPlaces.Victim(
        [
            Place(1, PeerStanding.Stranger, Many, 0, 9),
            Place(2, PeerStanding.Stranger, Many, 5, 6),
            Place(3, PeerStanding.Member, Few, 0, 0),
        ]));

    [Fact]
    public void What_this_node_dialled_goes_last() =>
        Assert.Equal(1, LinkPlaces.Victim(
        [
            Place(1, PeerStanding.Stranger, Many, 0, 0, isOutbound: true),
            Place(2, PeerStanding.Stranger, Many, 5, 6),
            Place(3, PeerStanding.Unknown, Many, 0, 0, isOutbound: true),
            Place(4, PeerStanding.Reached, Many, 0, 0),
        ]));

    [Fact]
    public void Members_keep_their_places() =>
        Assert.Equal(-1, LinkPlaces.Victim([Place(1, PeerStanding.Member, Many, 0, 0)]));

    [Fact]
    public void An_identity_has_so_many_links_and_the_oldest_gives_way()
    {
        LinkPlace[] places =
        [
            Place(1, PeerStanding.Stranger, Many, 3, 3),
            Place(1, PeerStanding.Unknown, Few, 2, 9),
            Place(1, PeerStanding.Unknown, Many, 4, 4),
            Place(2, PeerStanding.Unknown, Many, 0, 0),
        ];
        Assert.Equal(1, LinkPlaces.Surplus(places, new Key(0, 0, 0, 1)));
        Assert.Equal(-1, LinkPlaces.Surplus(places, new Key(0, 0, 0, 2)));
    }

    private static LinkPlace Place(
        ulong peer,
        PeerStanding standing,
        IPAddress source,
        int opened,
        int heard,
        bool isOutbound = false) => new(
            new Key(0, 0, 0, peer),
            source,
            standing,
            isOutbound,
            TimeSpan.FromSeconds(opened),
            TimeSpan.FromSeconds(heard));
}
