using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests;

public class SimulatedNetworkTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public void Option_that_is_out_of_range_is_named()
    {
        ArgumentException e = Assert.Throws<ArgumentException>(
            () => new SimulatedNetwork(new SimulationOptions { Loss = 0.9 }));
        Assert.Contains("Loss", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Crashed_process_is_missed_sooner_than_a_machine_that_went_dark()
    {
        Assert.True(TimeUntilMissed(node => node.Crash()) < TimeSpan.FromSeconds(2));
        Assert.True(TimeUntilMissed(node => node.PowerOff()) > TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void Restarted_host_keeps_its_identity_unless_it_lost_its_disk()
    {
        SimulatedNetwork network = Ring(4);
        SimulatedNode node = network.Nodes[2];
        Key before = node.NodeId;
        node.Crash();
        network.RunFor(Minute);
        node.Start();
        Assert.Equal(before, node.NodeId);
        Assert.True(network.RunUntil(new RingChecker(network).Holds, Minute));
        node.PowerOff();
        network.RunFor(Minute);
        node.LoseDisk();
        node.Start();
        Assert.NotEqual(before, node.NodeId);
        Assert.True(network.RunUntil(new RingChecker(network).Holds, Minute));
    }

    [Fact]
    public void Restarted_host_finds_the_ring_through_the_peers_it_knew()
    {
        SimulatedNetwork network = Ring(5);
        SimulatedNode node = network.Nodes[4];
        node.Crash();
        node.Bootstrap = [];
        network.RunFor(Minute);
        node.Start();
        Assert.True(network.RunUntil(new RingChecker(network).Holds, Minute));
    }

    [Fact]
    public void Nodes_whose_first_addresses_are_dead_are_found_at_the_one_that_works()
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = 5 });
        network.Grow(6);
        foreach (SimulatedNode node in network.Nodes)
        {
            node.DeadAddresses = ["10.255.0.1:1", "10.255.0.2:1"];
        }

        Assert.True(network.RunUntil(
            () => network.RunningNodes.Count() == 6 && new RingChecker(network).Holds(), Minute));
    }

    [Fact]
    public void Stalled_process_keeps_its_links_and_answers_late()
    {
        SimulatedNetwork network = Ring(2);
        IKbrService first = Attach(network.Nodes[0]);
        IKbrService second = Attach(network.Nodes[1]);
        Assert.True(network.RunUntil(
            () => first.Neighbours.Count == 1 && second.Neighbours.Count == 1, Minute));
        int links = network.Nodes[0].LinkCount;
        network.Nodes[1].Stall(TimeSpan.FromSeconds(3));
        TimeSpan start = network.Now;
        KbrStatus? status = null;
        first.Request(
            second.NodeId,
            new byte[] { 1 },
            new RequestOptions(TimeSpan.FromSeconds(20)),
            reply => status = reply.Status);
        Assert.True(network.RunUntil(() => status is not null, Minute));
        Assert.Equal(KbrStatus.Ok, status);
        Assert.True(network.Now - start >= TimeSpan.FromSeconds(3));
        Assert.Equal(links, network.Nodes[0].LinkCount);
    }

    /// <summary>
    /// The deadline that fell due meanwhile waits with all else, and its place in the queue is another
    /// event's.
    /// </summary>
    [Fact]
    public void Nothing_is_lost_when_a_stall_ends()
    {
        const int count = 3000;
        SimulatedNetwork network = Ring(4);
        SimulatedNode node = network.Nodes[1];
        for (int stall = 1; stall <= 20; stall++)
        {
            network.RunFor(TimeSpan.FromSeconds(1.7));
            int done = 0;
            node.After(TimeSpan.FromSeconds(0.5), () =>
            {
                for (int i = 0; i < count; i++)
                {
                    node.After(TimeSpan.FromMilliseconds(20), () => done++);
                }
            });
            node.Stall(TimeSpan.FromSeconds(3));
            network.RunFor(TimeSpan.FromSeconds(4));
            Assert.Equal(count, done);
        }
    }

    [Fact]
    public void Large_messages_take_the_time_that_the_uplink_needs()
    {
        SimulatedNetwork network = Ring(2, uplinkBytesPerSecond: 100_000);
        IKbrService first = Attach(network.Nodes[0]);
        IKbrService second = Attach(network.Nodes[1]);
        Assert.True(network.RunUntil(
            () => first.Neighbours.Count == 1 && second.Neighbours.Count == 1, Minute));
        TimeSpan start = network.Now;
        bool isDone = false;
        first.Request(
            second.NodeId,
            new byte[500_000],
            new RequestOptions(TimeSpan.FromSeconds(30)),
            _ => isDone = true);
        Assert.True(network.RunUntil(() => isDone, Minute));
        Assert.True(network.Now - start >= TimeSpan.FromSeconds(5), $"{network.Now - start}");
    }

    [Theory]
    [InlineData(10, 100, 1)]
    [InlineData(1, 100_000, 7)]
    [InlineData(3, 10_000, 3)]
    public void Frames_of_one_instant_on_one_link_share_a_record(int messages, int bytes, int records)
    {
        SimulatedNetwork network = Ring(2);
        IKbrService first = Attach(network.Nodes[0]);
        IKbrService second = Attach(network.Nodes[1]);
        Assert.True(network.RunUntil(
            () => first.Neighbours.Count == 1 && second.Neighbours.Count == 1, Minute));
        network.RunFor(Minute);
        (long framesBefore, long recordsBefore) = (network.FramesSent, network.RecordsSent);
        for (int i = 0; i < messages; i++)
        {
            first.Route(second.NodeId, new byte[bytes], new RouteOptions());
        }

        network.RunFor(TimeSpan.FromMicroseconds(1));
        Assert.Equal(messages, network.FramesSent - framesBefore);
        Assert.Equal(records, network.RecordsSent - recordsBefore);
    }

    [Fact]
    public void Wall_clocks_differ_by_the_skew_and_move_with_virtual_time()
    {
        var network = new SimulatedNetwork(new SimulationOptions { ClockSkewMax = TimeSpan.FromSeconds(5) });
        SimulatedNode first = network.AddNode();
        SimulatedNode second = network.AddNode();
        TimeSpan apart = first.WallClock - second.WallClock;
        Assert.NotEqual(TimeSpan.Zero, apart);
        Assert.InRange(apart.Duration(), TimeSpan.Zero, TimeSpan.FromSeconds(10));
        DateTimeOffset before = first.WallClock;
        network.RunFor(Minute);
        Assert.Equal(Minute, first.WallClock - before);
    }

    private static TimeSpan TimeUntilMissed(Action<SimulatedNode> end)
    {
        SimulatedNetwork network = Ring(6);
        end(network.Nodes[3]);
        TimeSpan start = network.Now;
        Assert.True(network.RunUntil(new RingChecker(network).Holds, Minute));
        return network.Now - start;
    }

    private static SimulatedNetwork Ring(int nodes, double uplinkBytesPerSecond = 12_500_000)
    {
        var network = new SimulatedNetwork(
            new SimulationOptions { Seed = 6, UplinkBytesPerSecond = uplinkBytesPerSecond });
        network.Grow(nodes);
        var ring = new RingChecker(network);
        Assert.True(network.RunUntil(() => network.RunningNodes.Count() == nodes && ring.Holds(), Minute));
        return network;
    }

    private static IKbrService Attach(SimulatedNode node)
    {
        var echo = new Echo();
        var options = new SubscribeOptions { Service = "echo", Role = ServiceRole.Member };
        echo.Service = node.Subscribe(options, echo);
        return echo.Service;
    }

    private sealed class Echo : IKbrApplication
    {
        public IKbrService? Service { get; set; }

        public void Deliver(in KbrDelivery delivery) => Service!.Reply(delivery.Token, default);

        public void Update(NeighbourChange change) => Assert.NotNull(change);
    }
}
