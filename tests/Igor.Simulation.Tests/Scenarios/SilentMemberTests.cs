using Igor.Dht.Protocol.Machines;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Simulation.Dht;
using Igor.Simulation.Engine;
using Igor.Simulation.Faults;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests;

/// <summary>
/// Members that answer pings and drop requests: found by what becomes of requests, and left out of the ring.
/// </summary>
public class SilentMemberTests
{
    private const int Silent = 5;
    private const int Puts = 40;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(20, 1, MemberSilence.DropsRequests)]
    [InlineData(20, 2, MemberSilence.DropsPayloads)]
    [InlineData(30, 3, MemberSilence.DropsRequests)]
    [InlineData(50, 4, MemberSilence.DropsPayloads)]
    public void Silent_members_are_routed_around_within_seconds(
        int nodes, ulong seed, MemberSilence silence)
    {
        World world = Grow(nodes, seed);
        IReadOnlyList<SimulatedNode> silent = world.Random.Sample(world.Network.Nodes, Silent);
        foreach (SimulatedNode node in silent)
        {
            node.Silence = silence;
        }

        int before = PutAll(world, "before", TimeSpan.FromMilliseconds(250));
        int after = PutAll(world, "after", TimeSpan.FromMilliseconds(100));
        Assert.True(
            before >= Puts - 2 && after == Puts,
            $"{before} and {after} of {Puts} puts succeeded, seed {seed}");
    }

    [Fact]
    public void Silent_member_loses_its_place_and_gets_it_back_when_it_answers_again()
    {
        World world = Grow(20, 5);
        SimulatedNode silent = world.Network.Nodes[7];
        silent.Silence = MemberSilence.DropsRequests;
        Assert.Equal(Puts, PutAll(world, "silent", TimeSpan.FromMilliseconds(250)));
        var service = ServiceId.FromName(SimulatedDht.Service);
        Assert.DoesNotContain(
            silent.NodeId, NearestTo(world, silent).SelectMany(node => node.Neighbours(service)!.Others));

        silent.Silence = MemberSilence.None;
        Assert.True(world.Network.RunUntil(
            () => NearestTo(world, silent).All(
                node => node.Neighbours(service)!.Others.Contains(silent.NodeId)),
            TimeSpan.FromMinutes(12)));
        Assert.Equal(Puts, PutAll(world, "again", TimeSpan.FromMilliseconds(100)));
    }

    [Fact]
    public void Slow_application_keeps_its_place()
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = 6, EventsKept = 100 });
        var services = new List<IKbrService>();
        network.Grow(20, node => services.Add(node.Subscribe(
            new SubscribeOptions { Service = "slow", Role = ServiceRole.Member }, new Slow(node))));
        network.RunFor(TimeSpan.FromMinutes(1));
        SimulatedNode slow = network.Nodes[3];
        var ended = new List<KbrStatus>();
        for (int i = 0; i < 60; i++)
        {
            IKbrService origin = services[i % 3];
            network.Engine.After(TimeSpan.FromMilliseconds(200 * i), () => origin.Request(
                slow.NodeId,
                new byte[] { 1 },
                new RequestOptions(TimeSpan.FromSeconds(6)),
                reply => ended.Add(reply.Status)));
        }

        network.RunFor(TimeSpan.FromSeconds(30));
        Assert.Equal(60, ended.Count);
        Assert.All(ended, status => Assert.Equal(KbrStatus.Timeout, status));
        Assert.All(
            network.Nodes.Where(node => node != slow),
            node => Assert.DoesNotContain(node.Events, text => text.Contains(
                nameof(OverlayEventKind.PeerSilent), StringComparison.Ordinal)));
    }

    private static IEnumerable<SimulatedNode> NearestTo(World world, SimulatedNode node) =>
        world.Network.Nodes.Where(other => other != node)
            .OrderBy(other => node.NodeId.DistanceTo(other.NodeId))
            .Take(4);

    private static int PutAll(World world, string name, TimeSpan interval)
    {
        int ended = 0;
        int succeeded = 0;
        SimulatedNode[] honest =
            [.. world.Network.Nodes.Where(node => node.Silence == MemberSilence.None)];
        for (int i = 0; i < Puts; i++)
        {
            var put = new DhtPut
            {
                Key = Key.HashOf($"{name} {i}"),
                Type = "value",
                Value = new byte[] { 1, 2, 3 },
                Timeout = Patience,
            };
            SimulatedDht writer = world.Dhts[honest[world.Random.NextInt(honest.Length)]];
            world.Network.Engine.After(interval * i, () => writer.Put(put, result =>
            {
                ended++;
                succeeded += result.Receipt is null ? 0 : 1;
            }));
        }

        Assert.True(world.Network.RunUntil(() => ended == Puts, TimeSpan.FromMinutes(1)));
        return succeeded;
    }

    private static World Grow(int nodes, ulong seed)
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = seed });
        var dhts = new Dictionary<SimulatedNode, SimulatedDht>();
        SimRandom seeds = network.Engine.RandomFor("dhts");
        network.Grow(nodes, node => dhts[node] = SimulatedDht.Attach(node, seeds));
        network.RunFor(TimeSpan.FromMinutes(1));
        return new World(network, dhts, network.Engine.RandomFor("puts"));
    }

    private sealed record World(
        SimulatedNetwork Network, Dictionary<SimulatedNode, SimulatedDht> Dhts, SimRandom Random);

    /// <summary>Answers only after its callers have given up.</summary>
    private sealed class Slow(SimulatedNode node) : IKbrApplication
    {
        public void Deliver(in KbrDelivery delivery)
        {
            KbrDelivery asked = delivery;
            node.After(
                TimeSpan.FromSeconds(20), () => asked.Service.Reply(asked.Token, new byte[] { 2 }));
        }

        public void Update(NeighbourChange change)
        {
        }
    }
}
