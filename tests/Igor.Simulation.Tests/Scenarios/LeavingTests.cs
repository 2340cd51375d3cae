using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Dht;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests.Scenarios;

/// <summary>DHT nodes on the whole overlay, of which most leave in order.</summary>
public class LeavingTests
{
    private const int Nodes = 8;
    private const int Left = 6;
    private const int Names = 40;

    [Theory]
    [InlineData(31, 1)]
    [InlineData(101, 2)]
    [InlineData(33, 5)]
    public void Records_and_their_service_outlive_members_that_leave_one_after_the_other(
        ulong seed, int replicas)
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = seed });
        SimRandom random = network.Engine.RandomFor("test");
        var members = new List<(SimulatedNode Node, SimulatedDht Dht)>();
        network.Grow(Nodes, node => members.Add((node, SimulatedDht.Attach(node, random))));
        Assert.True(network.RunUntil(
            () => network.RunningNodes.Count() == Nodes
                && new RingChecker(network, ServiceId.FromName(SimulatedDht.Service)).Holds(),
            TimeSpan.FromMinutes(2)));
        network.RunFor(TimeSpan.FromSeconds(10));
        SimulatedDht user = members[^1].Dht;
        Put(network, user, "first", replicas);
        for (int at = 0; at < Left; at++)
        {
            (SimulatedNode node, SimulatedDht dht) = members[at];
            TimeSpan before = network.Now;
            dht.BeginLeaving(TimeSpan.FromSeconds(10), node.Leave);
            Assert.True(network.RunUntil(() => !node.IsRunning, TimeSpan.FromSeconds(11)));
            Assert.True(network.Now - before < TimeSpan.FromSeconds(2), $"seed {seed}, {at}");
            Assert.Equal(Names, Found(network, user));
            Put(network, user, $"since {at}", replicas);
            network.RunFor(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(Names, Found(network, user));
        Assert.Empty(user.Status.Missing);
    }

    private static void Put(SimulatedNetwork network, SimulatedDht user, string value, int replicas)
    {
        var puts = new List<OperationResult>();
        for (int at = 0; at < Names; at++)
        {
            var put = new DhtPut
            {
                Key = Key.HashOf($"name {at}"),
                Type = ValueRecordType.TypeName,
                Value = System.Text.Encoding.UTF8.GetBytes(value),
                Replicas = replicas,
                Timeout = TimeSpan.FromSeconds(10),
            };
            user.Put(put, puts.Add);
        }

        Assert.True(network.RunUntil(() => puts.Count == Names, TimeSpan.FromMinutes(1)));
        Assert.All(puts, put => Assert.NotNull(put.Receipt));
    }

    private static int Found(SimulatedNetwork network, SimulatedDht user)
    {
        var gets = new List<OperationResult>();
        for (int at = 0; at < Names; at++)
        {
            var get = new DhtGet
            {
                Key = Key.HashOf($"name {at}"),
                Type = ValueRecordType.TypeName,
                Timeout = TimeSpan.FromSeconds(10),
            };
            user.Get(get, gets.Add);
        }

        Assert.True(network.RunUntil(() => gets.Count == Names, TimeSpan.FromMinutes(1)));
        return gets.Count(get => get.Got is { Outcome: GetOutcome.Found, IsDegraded: false });
    }
}
