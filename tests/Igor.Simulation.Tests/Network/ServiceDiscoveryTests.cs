using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests;

public class ServiceDiscoveryTests
{
    private const byte ServiceQuery = 8;
    private const string Service = "rare";

    [Theory]
    [InlineData(100, 2, 1)]
    [InlineData(100, 3, 2)]
    [InlineData(100, 10, 3)]
    [InlineData(300, 2, 4)]
    [InlineData(300, 40, 5)]
    public void Members_that_subscribe_at_the_same_moment_become_one_ring(int nodes, int members, ulong seed)
    {
        SimulatedNetwork network = Ring(nodes, seed);
        Subscribe(network, members);
        AssertOneRing(network, seed);
    }

    [Fact]
    public void Members_that_subscribe_one_after_another_in_a_large_ring_become_one_ring()
    {
        SimulatedNetwork network = Ring(300, seed: 6);
        for (int i = 0; i < 4; i++)
        {
            Subscribe(network, 1);
            network.RunFor(TimeSpan.FromMinutes(1));
        }

        AssertOneRing(network, seed: 6);
    }

    [Fact]
    public void Client_reaches_the_only_member_in_a_large_ring()
    {
        SimulatedNetwork network = Ring(300, seed: 7);
        SimulatedNode member = Subscribe(network, 1)[0];
        network.RunFor(TimeSpan.FromMinutes(1));
        SimulatedNode client =
            network.Nodes.Where(node => node != member).MinBy(node => Peers(node, member))!;
        IKbrService service = client.Subscribe(new SubscribeOptions { Service = Service }, new Echo());
        KbrReply? reply = null;
        var options = new RequestOptions(TimeSpan.FromSeconds(10));
        service.Request(member.NodeId, new byte[] { 1 }, options, got => reply = got);
        Assert.True(network.RunUntil(() => reply is not null, TimeSpan.FromSeconds(30)));
        Assert.Equal(KbrStatus.Ok, reply!.Value.Status);
    }

    [Fact]
    public void Search_for_other_rings_asks_about_once_a_minute_and_service_not_once_a_member()
    {
        SimulatedNetwork network = Ring(100, seed: 8);
        Subscribe(network, 20);
        AssertOneRing(network, seed: 8);
        network.RunFor(TimeSpan.FromMinutes(1));
        int queries = 0;
        network.Tap += (_, _, header, payload) =>
            queries += payload.IsEmpty && header[1] == ServiceQuery ? 1 : 0;
        network.RunFor(TimeSpan.FromMinutes(10));
        Assert.InRange(queries, 1, 25);
    }

    private static SimulatedNetwork Ring(int nodes, ulong seed)
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = seed });
        network.Grow(nodes);
        Assert.True(network.RunUntil(
            () => network.RunningNodes.Count() == nodes && new RingChecker(network).Holds(),
            TimeSpan.FromMinutes(10)));
        network.RunFor(TimeSpan.FromMinutes(1));
        return network;
    }

    private static List<SimulatedNode> Subscribe(SimulatedNetwork network, int count)
    {
        SimRandom random = network.Engine.RandomFor($"members at {network.Now}");
        ServiceId service = ServiceId.FromName(Service);

        // Rings of which the meeting place is a member find each other with less.
        SimulatedNode meetingPlace = TrueRing.OfAll(network).RootOf(
            new Key((ulong)(service.Value >> 64), (ulong)service.Value, 0, 0));
        List<SimulatedNode> some = random.Sample(
            network.Nodes.Where(node => node != meetingPlace && !node.Runs(service, ServiceRole.Member)),
            count);
        foreach (SimulatedNode node in some)
        {
            var echo = new Echo();
            echo.KbrService = node.Subscribe(
                new SubscribeOptions { Service = Service, Role = ServiceRole.Member }, echo);
        }

        return some;
    }

    private static void AssertOneRing(SimulatedNetwork network, ulong seed)
    {
        var checker = new RingChecker(network, ServiceId.FromName(Service));
        bool isOne = network.RunUntil(checker.Holds, TimeSpan.FromSeconds(60));
        Assert.True(isOne, $"seed {seed}: {checker.CountFaults()} members see another ring");
    }

    private static int Peers(SimulatedNode node, SimulatedNode other) =>
        node.Peers.Count(peer => peer.Id == other.NodeId
            || other.Peers.Any(next => next.Id == peer.Id));

    private sealed class Echo : IKbrApplication
    {
        public IKbrService? KbrService { get; set; }

        public void Deliver(in KbrDelivery delivery) => KbrService!.Reply(delivery.Token, delivery.Payload);

        public void Update(NeighbourChange change)
        {
            // The checker judges neighbour sets from outside.
        }
    }
}
