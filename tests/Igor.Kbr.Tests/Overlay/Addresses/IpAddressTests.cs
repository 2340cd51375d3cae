using Igor.Kbr.Overlay.Addresses;

namespace Igor.Kbr.Tests.Overlay.Addresses;

public class IpAddressTests
{
    [Theory]
    [InlineData("192.0.2.1:1", AddressRange.Public)]
    [InlineData("8.8.8.8:65535", AddressRange.Public)]
    [InlineData("[2001:db8::1]:1", AddressRange.Public)]
    [InlineData("[2a00:1:2:3:4:5:6:7]:443", AddressRange.Public)]
    [InlineData("127.0.0.1:1", AddressRange.Loopback)]
    [InlineData("127.255.255.254:1", AddressRange.Loopback)]
    [InlineData("[::1]:1", AddressRange.Loopback)]
    [InlineData("[0:0:0:0:0:0:0:1]:1", AddressRange.Loopback)]
    [InlineData("[::ffff:127.0.0.1]:1", AddressRange.Loopback)]
    [InlineData("[::ffff:7f00:1]:1", AddressRange.Loopback)]
    [InlineData("10.255.0.1:1", AddressRange.Private10)]
    [InlineData("[::ffff:10.0.0.1]:1", AddressRange.Private10)]
    [InlineData("172.16.0.1:1", AddressRange.Private172)]
    [InlineData("172.31.255.255:1", AddressRange.Private172)]
    [InlineData("172.32.0.1:1", AddressRange.Public)]
    [InlineData("192.168.1.1:1", AddressRange.Private192)]
    [InlineData("169.254.169.254:80", AddressRange.LinkLocal)]
    [InlineData("[fe80::1]:1", AddressRange.LinkLocal)]
    [InlineData("100.64.0.1:1", AddressRange.CarrierNat)]
    [InlineData("100.128.0.1:1", AddressRange.Public)]
    [InlineData("[fd12:3456::1]:1", AddressRange.UniqueLocal)]
    [InlineData("[fc00::]:1", AddressRange.UniqueLocal)]
    [InlineData("0.0.0.0:1", AddressRange.Unusable)]
    [InlineData("0.1.2.3:1", AddressRange.Unusable)]
    [InlineData("224.0.0.1:1", AddressRange.Unusable)]
    [InlineData("240.0.0.1:1", AddressRange.Unusable)]
    [InlineData("255.255.255.255:1", AddressRange.Unusable)]
    [InlineData("[::]:1", AddressRange.Unusable)]
    [InlineData("[ff02::1]:1", AddressRange.Unusable)]
    [InlineData("[::ffff:0.0.0.0]:1", AddressRange.Unusable)]
    [InlineData("[::127.0.0.1]:1", AddressRange.Unusable)]
    [InlineData("[64:ff9b::7f00:1]:1", AddressRange.Unusable)]
    [InlineData("[2002:7f00:1::]:1", AddressRange.Unusable)]
    [InlineData("[2001:0:7f00:1::]:1", AddressRange.Unusable)]
    [InlineData("[fe80::1%eth0]:1", AddressRange.Unusable)]
    [InlineData("localhost:1", AddressRange.Unusable)]
    [InlineData("node.example.org:4001", AddressRange.Unusable)]
    [InlineData("127.1:1", AddressRange.Unusable)]
    [InlineData("2130706433:1", AddressRange.Unusable)]
    [InlineData("0x7f.0.0.1:1", AddressRange.Unusable)]
    [InlineData("0177.0.0.1:1", AddressRange.Unusable)]
    [InlineData("1.2.3.4.5:1", AddressRange.Unusable)]
    [InlineData("1.2.3.256:1", AddressRange.Unusable)]
    [InlineData("1.2.3.:1", AddressRange.Unusable)]
    [InlineData("::1:1", AddressRange.Unusable)]
    [InlineData("[1::2::3]:1", AddressRange.Unusable)]
    [InlineData("[1:2:3:4:5:6:7:8:9]:1", AddressRange.Unusable)]
    [InlineData("[1:2:3]:1", AddressRange.Unusable)]
    [InlineData("[12345::1]:1", AddressRange.Unusable)]
    [InlineData("[]:1", AddressRange.Unusable)]
    [InlineData("192.0.2.1:0", AddressRange.Unusable)]
    [InlineData("192.0.2.1:65536", AddressRange.Unusable)]
    [InlineData("192.0.2.1:", AddressRange.Unusable)]
    [InlineData("192.0.2.1", AddressRange.Unusable)]
    [InlineData(":1", AddressRange.Unusable)]
    [InlineData("", AddressRange.Unusable)]
    internal void Address_leads_to_its_range(string address, AddressRange range) =>
        Assert.Equal(range, IpAddress.Classify(address).Range);

    [Theory]
    [InlineData("[::ffff:192.0.2.1]:1", "192.0.2.1:99")]
    [InlineData("[2001:db8::1]:1", "[2001:db8:0:0:ffff::]:2")]
    public void One_host_has_one_name(string one, string other) =>
        Assert.Equal(IpAddress.Classify(one).Host, IpAddress.Classify(other).Host);

    [Theory]
    [InlineData("192.0.2.1:1", "198.51.100.1:1", true)]
    [InlineData("192.0.2.1:1", "10.0.0.1:1", false)]
    [InlineData("192.0.2.1:1", "127.0.0.1:1", false)]
    [InlineData("192.0.2.1:1", "[fd00::1]:1", false)]
    [InlineData("192.0.2.1:1", "name:1", false)]
    [InlineData("10.0.0.1:1", "10.9.9.9:1", true)]
    [InlineData("10.0.0.1:1", "192.0.2.1:1", true)]
    [InlineData("10.0.0.1:1", "192.168.0.1:1", false)]
    [InlineData("10.0.0.1:1", "127.0.0.1:1", false)]
    [InlineData("10.0.0.1:1", "169.254.169.254:80", false)]
    [InlineData("[::ffff:10.0.0.1]:1", "10.9.9.9:1", true)]
    [InlineData("127.0.0.1:1", "127.0.0.9:1", true)]
    [InlineData("127.0.0.1:1", "192.168.0.1:1", true)]
    [InlineData("127.0.0.1:1", "name:1", false)]
    [InlineData("127.0.0.1:1", "224.0.0.1:1", false)]
    [InlineData("name:1", "10.0.0.1:1", false)]
    public void Private_address_is_told_only_from_its_own_network(string from, string told, bool may)
    {
        var teller = new Teller(Key.Max, IpAddress.Classify(from).Range, IsTrusted: true, WasAsked: true);
        Assert.Equal(may, teller.MayTell(IpAddress.Classify(told).Range, dialPrivate: false));
        bool isUsable = IpAddress.Classify(told).Range != AddressRange.Unusable;
        Assert.Equal(isUsable, teller.MayTell(IpAddress.Classify(told).Range, dialPrivate: true));
    }
}
