using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Upkeep;

public class ServiceDiscoveryTests
{
    [Fact]
    public void Clients_that_claim_a_service_do_not_hide_its_members_from_who_asks_for_them()
    {
        var node = new LoneNode(new Key(0, 0, 0, 1_000));
        ServiceId dht = ServiceId.FromName("dht");
        LinkId asker = node.Connect(new Key(0, 0, 0, 5_000), dial: null, "10.9.9.9:1");
        for (ulong i = 1; i <= 10; i++)
        {
            node.Greet(node.Open(new Key(0, 0, 0, 5_000 + i)), Hello("10.9.9.9:2", joinsRing: false));
        }

        node.Greet(node.Open(new Key(0, 0, 0, 6_000)), Hello(address: null, joinsRing: true));
        node.Greet(node.Open(new Key(0, 0, 0, 9_000)), Hello("10.9.9.9:3", joinsRing: true));
        node.Say(asker, new ServiceQueryMessage(dht));
        Assert.Equal(
            [new Key(0, 0, 0, 9_000)],
            Assert.Single(node.Messages<ServiceMembersMessage>(asker)).Contacts.Select(m => m.Id));

        HelloMessage Hello(string? address, bool joinsRing) => new()
        {
            Network = "igor",
            Instance = 1,
            Addresses = address is null ? [] : [address],
            ServicesVersion = 1,
            Services = [ServiceId.Base, dht],
            JoinsRing = joinsRing,
        };
    }
}
