using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Peers;

public class HandshakeTests
{
    private static readonly Key Self = new(0, 0, 0, 100);
    private static readonly Key Larger = new(0, 0, 0, 200);

    private readonly LoneNode _node = new(Self, new OverlayOptions());

    [Fact]
    public void An_address_without_a_host_gets_that_of_the_link()
    {
        LinkId link = _node.Open(Larger, remoteAddress: "[2001:db8::1]:5000");
        _node.Hello(link, "[::]:4001", "0.0.0.0:4001", "name:4001");
        Assert.Equal(
            ["[2001:db8::1]:4001", "[2001:db8::1]:4001", "name:4001"],
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
}
