using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Dht;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests.Scenarios;

/// <summary>DHT nodes on the whole overlay, some of them on disks that take nothing.</summary>
public class FullDiskTests
{
    private const int Nodes = 5;
    private const int Names = 60;

    [Theory]
    [InlineData(21, 1, Names)]
    [InlineData(22, 2, Names)]
    [InlineData(23, 3, 0)]
    public void Writes_need_a_majority_with_room_whoever_is_their_root(ulong seed, int full, int acknowledged)
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = seed });
        SimRandom random = network.Engine.RandomFor("test");
        var members = new List<SimulatedDht>();
        network.Grow(Nodes, node => members.Add(SimulatedDht.Attach(
            node,
            random,
            disk: new SimulatedStoreOptions { FailureFraction = members.Count < full ? 1 : 0 })));
        Assert.True(network.RunUntil(
            () => network.RunningNodes.Count() == Nodes
                && new RingChecker(network, ServiceId.FromName(SimulatedDht.Service)).Holds(),
            TimeSpan.FromMinutes(2)));
        network.RunFor(TimeSpan.FromSeconds(10));

        var puts = new List<OperationResult>();
        for (int at = 0; at < Names; at++)
        {
            var put = new DhtPut
            {
                Key = Key.HashOf($"name {at}"),
                Type = ValueRecordType.TypeName,
                Value = new[] { (byte)at },
                Timeout = TimeSpan.FromSeconds(10),
            };
            members[at % Nodes].Put(put, puts.Add);
        }

        Assert.True(network.RunUntil(() => puts.Count == Names, TimeSpan.FromMinutes(1)), $"seed {seed}");
        Assert.Equal(acknowledged, puts.Count(put => put.Receipt is not null));
        Assert.All(
            puts.Where(put => put.Receipt is null),
            put => Assert.Equal(DhtError.NotEnoughReplicas, put.Failure!.Error));

        var gets = new List<OperationResult>();
        for (int at = 0; at < Names; at++)
        {
            var get = new DhtGet
            {
                Key = Key.HashOf($"name {at}"),
                Type = ValueRecordType.TypeName,
                Timeout = TimeSpan.FromSeconds(10),
            };
            members[(at + 1) % Nodes].Get(get, gets.Add);
        }

        Assert.True(network.RunUntil(() => gets.Count == Names, TimeSpan.FromMinutes(1)), $"seed {seed}");
        Assert.True(
            gets.Count(get => get.Got!.Outcome == GetOutcome.Found) >= acknowledged, $"seed {seed}");
    }
}
