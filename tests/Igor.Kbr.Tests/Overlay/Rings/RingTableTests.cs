using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Rings;

public class RingTableTests
{
    [Fact]
    public void A_peer_outside_of_the_ring_is_no_member_of_a_service_that_it_names()
    {
        var node = new LoneNode(new Key(0, 0, 0, 1000));
        node.Join("dht");
        LinkId link = node.Open(new Key(0, 0, 0, 2000));
        var hello = new HelloMessage
        {
            Network = "igor",
            Instance = 1,
            JoinsRing = false,
            Addresses = [],
            ServicesVersion = 1,
            Services =
            [
                ServiceId.Base,
                ServiceId.FromName("dht"),
            ],
        };
        node.Greet(link, hello);
        Assert.Single(node.Overlay.Peers);
        Assert.Empty(node.Overlay.Neighbours(ServiceId.FromName("dht")).Others);
        Assert.Empty(node.Overlay.Neighbours(ServiceId.Base).Others);
    }

    [Fact]
    public void What_a_peer_announces_refreshes_only_the_rings_that_it_comes_to_or_goes_from()
    {
        var node = new LoneNode(new Key(0, 0, 0, 1000));
        node.Join("dht");
        node.Join("other");
        LinkId link = node.Connect(new Key(0, 0, 0, 2000), "dht", "other");
        NeighbourSet dht = node.Overlay.Neighbours(ServiceId.FromName("dht"));
        NeighbourSet other = node.Overlay.Neighbours(ServiceId.FromName("other"));
        Assert.Single(dht.Others);
        Assert.Single(other.Others);
        node.LeaveServices(link);
        Assert.Empty(node.Overlay.Neighbours(ServiceId.FromName("dht")).Others);
        Assert.Empty(node.Overlay.Neighbours(ServiceId.FromName("other")).Others);
        Assert.Single(node.Overlay.Neighbours(ServiceId.Base).Others);
    }
}
