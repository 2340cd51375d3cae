using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests;

/// <summary>A network that is put together is what one that has grown is.</summary>
public class AssemblyTests
{
    private const int Nodes = 120;
    private const string Service = "probe";
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(17)]
    [InlineData(18)]
    [InlineData(Nodes)]
    public void Rings_are_whole_at_once_and_keys_find_their_roots(int nodes)
    {
        SimulatedNetwork network = Assembled(nodes, seed: 3, out LookupProbe probe);
        var log = new ViolationLog(network.Engine);
        CheckRings(network, log);
        Assert.Equal(1, probe.Run(200, TimeSpan.FromMilliseconds(10), log).Success);
        Assert.True(log.Count == 0, string.Join('\n', log.All));
    }

    [Fact]
    public void Neighbour_sets_and_finger_slots_are_those_of_a_network_that_has_grown()
    {
        SimulatedNetwork assembled = Assembled(Nodes, seed: 5, out _);
        SimulatedNetwork grown = Grown(Nodes, seed: 5);
        for (int i = 0; i < Nodes; i++)
        {
            Assert.Equal(grown.Nodes[i].NodeId, assembled.Nodes[i].NodeId);
            foreach (ServiceId service in new[] { ServiceId.Base, ServiceId.FromName(Service) })
            {
                NeighbourSet expected = grown.Nodes[i].Neighbours(service)!;
                NeighbourSet found = assembled.Nodes[i].Neighbours(service)!;
                Assert.Equal<IEnumerable<Key>>(expected.Clockwise, found.Clockwise);
                Assert.Equal<IEnumerable<Key>>(expected.CounterClockwise, found.CounterClockwise);
                Assert.Equal(expected.IsMember, found.IsMember);
            }
        }

        // A slot stays empty where all that lie in it have their own slots full: the order in which links
        // were made decides for whom.
        int[] others = [.. Enumerable.Range(0, Nodes).Where(i => !HaveSameSlots(i))];
        Assert.True(others.Length <= Nodes / 50, string.Join(' ', others));

        bool HaveSameSlots(int i) =>
            SlotsWithPeers(grown.Nodes[i]).SequenceEqual(SlotsWithPeers(assembled.Nodes[i]));
    }

    [Fact]
    public void Nothing_is_sent_but_upkeep()
    {
        SimulatedNetwork assembled = Assembled(Nodes, seed: 5, out _);
        SimulatedNetwork grown = Grown(Nodes, seed: 5);
        long handshakes = assembled.HandshakesMade;
        double first = BytesPerSecond(assembled);
        double steady = BytesPerSecond(grown);

        // In so short a time nodes that are put together look at no bootstrap address yet.
        Assert.InRange(first, steady * 0.35, steady * 1.3);
        Assert.InRange(assembled.HandshakesMade - handshakes, 0, Nodes / 10);
        var log = new ViolationLog(assembled.Engine);
        CheckRings(assembled, log);
        Assert.True(log.Count == 0, string.Join('\n', log.All));
    }

    [Fact]
    public void An_assembled_network_heals_as_others_do()
    {
        SimulatedNetwork network = Assembled(60, seed: 6, out _);
        foreach (SimulatedNode node in network.Nodes.Where(node => node.Index % 4 == 0))
        {
            node.PowerOff();
        }

        var ring = new RingChecker(network, ServiceId.FromName(Service));
        Assert.True(network.RunUntil(ring.Holds, Minute));
        network.AddNewcomer();
        Assert.True(network.RunUntil(new RingChecker(network).Holds, Minute));
    }

    [Fact]
    public void Nodes_are_given_addresses_of_others_where_they_look_for_other_rings()
    {
        SimulatedNetwork network = Assembled(Nodes, seed: 7, out _);
        Assert.All(network.Nodes, node => Assert.InRange(node.Bootstrap.Distinct().Count(), 2, 3));
        Assert.All(network.Nodes, node => Assert.DoesNotContain(node, node.Bootstrap));

        // One that was never a peer, at whose address a new node answers when all others are dead.
        (SimulatedNode lone, SimulatedNode host) = network.Nodes
            .SelectMany(node => node.Bootstrap.Select(host => (node, host)))
            .First(pair => pair.node.Peers.All(peer => peer.Id != pair.host.NodeId));
        foreach (SimulatedNode other in network.Nodes.Where(node => node != lone))
        {
            other.Crash();
        }

        host.LoseDisk();
        host.Bootstrap = [];
        host.Start();
        Assert.True(network.RunUntil(() => lone.Peers.Any(peer => peer.Id == host.NodeId), 5 * Minute));
    }

    [Fact]
    public void A_network_with_hosts_is_not_assembled()
    {
        var network = new SimulatedNetwork(new SimulationOptions());
        network.AddNode();
        Assert.Throws<InvalidOperationException>(() => network.Assemble(2));
    }

    private static SimulatedNetwork Assembled(int nodes, ulong seed, out LookupProbe probe)
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = seed });
        probe = new LookupProbe(network, Service);
        Assert.Equal(nodes, network.Assemble(nodes, probe.Attach).Count);
        return network;
    }

    private static SimulatedNetwork Grown(int nodes, ulong seed)
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = seed });
        network.Grow(nodes, new LookupProbe(network, Service).Attach);

        // Connections from the time of growth go within six minutes, and slots that they filled are filled
        // anew.
        network.RunFor(TimeSpan.FromMinutes(10));
        var log = new ViolationLog(network.Engine);
        CheckRings(network, log);
        Assert.True(log.Count == 0, string.Join('\n', log.All));
        return network;
    }

    private static void CheckRings(SimulatedNetwork network, ViolationLog log)
    {
        new RingChecker(network).Check(log);
        new RingChecker(network, ServiceId.FromName(Service)).Check(log);
    }

    private static double BytesPerSecond(SimulatedNetwork network)
    {
        long before = network.BytesSent;
        network.RunFor(Minute);
        return (network.BytesSent - before) / Minute.TotalSeconds;
    }

    /// <summary>Powers of two of the distance, to either side, at which a node has peers.</summary>
    private static List<int> SlotsWithPeers(SimulatedNode node) =>
    [
        .. node.Peers
            .Select(peer => (Ahead: peer.Id - node.NodeId, Back: node.NodeId - peer.Id))
            .Select(one => one.Ahead < one.Back ? one.Ahead.HighestBit() + 1 : -(one.Back.HighestBit() + 1))
            .Distinct()
            .Order(),
    ];
}
