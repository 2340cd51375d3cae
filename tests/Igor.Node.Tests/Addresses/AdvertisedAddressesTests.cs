using System.Net;
using Igor.Node.Addresses;

namespace Igor.Node.Tests;

public class AdvertisedAddressesTests
{
    [Theory]
    [InlineData("docker0")]
    [InlineData("br-1f2e3d4c5b6a")]
    [InlineData("veth12ab")]
    [InlineData("virbr0")]
    [InlineData("tun0")]
    [InlineData("tap1")]
    [InlineData("wg0")]
    public void Bridges_and_tunnels_come_last_whatever_they_lead_to(string name)
    {
        Assert.Equal(
            ["192.0.2.1", "10.0.0.1", "172.17.0.1"],
            InOrder(Card(name, "172.17.0.1", hasGateway: true), Card("eth1", "10.0.0.1"),
                Card("eth0", "192.0.2.1", hasGateway: true)));
    }

    [Fact]
    public void Interfaces_of_one_kind_keep_their_order()
    {
        Assert.Equal(
            ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
            InOrder(Card("enp3s0", "10.0.0.1"), Card("wlan0", "10.0.0.2"), Card("bond0", "10.0.0.3")));
    }

    [Fact]
    public void Address_that_was_bound_is_advertised_and_no_other()
    {
        var bound = new IPEndPoint(IPAddress.Parse("127.0.0.2"), 7);
        Assert.Equal(["127.0.0.2:7"], AdvertisedAddresses.Of(bound));
        Assert.Empty(AdvertisedAddresses.Of(null));
    }

    private static string[] InOrder(params AdvertisedAddresses.Card[] cards) =>
        [.. AdvertisedAddresses.InOrder(cards).Select(address => address.ToString())];

    private static AdvertisedAddresses.Card Card(string name, string address, bool hasGateway = false) =>
        new(name, IsTunnel: false, hasGateway, [IPAddress.Parse(address)]);
}
