using Igor.Kbr.Overlay;
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
}
