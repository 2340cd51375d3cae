using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;
using Igor.Simulation.Scenarios;

namespace Igor.Simulation.Tests;

/// <summary>A checker that never finds anything is worth nothing: each is shown something wrong.</summary>
public class CheckerTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public void Ring_checker_reports_a_member_that_its_neighbours_have_not_missed_yet()
    {
        SimulatedNetwork network = Ring(8, _ => { });
        var log = new ViolationLog(network.Engine);
        var checker = new RingChecker(network);
        checker.Check(log);
        Assert.Equal(0, log.Count);
        network.Nodes[5].PowerOff();
        checker.Check(log);
        Assert.True(log.Count > 0);
        Assert.False(checker.Holds());
        Assert.Contains(network.Nodes[5].NodeId.ToShortString(), log.All[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Lookup_probe_reports_an_answer_from_a_node_that_is_not_the_root()
    {
        LookupProbe? probe = null;
        SimulatedNetwork network = Ring(
            6, node => probe!.Attach(node), made => probe = new LookupProbe(made, "probe"));
        var log = new ViolationLog(network.Engine);
        Assert.True(network.RunUntil(
            new RingChecker(network, ServiceId.FromName("probe")).Holds, Minute));
        Assert.Equal(1, probe!.Run(50, TimeSpan.FromMilliseconds(10), log).Success);
        Assert.Equal(0, log.Count);

        // A partition makes each side its own ring: what it answers is not what the view from above says.
        network.Faults.Partition(network.Nodes.Take(3), network.Nodes.Skip(3));
        network.RunFor(Minute);
        LookupStatistics found = probe.Run(50, TimeSpan.FromMilliseconds(10), log);
        Assert.True(found.Wrong > 0);
        Assert.True(log.Count > 0);
    }

    [Fact]
    public void Lookup_probe_reports_lookups_that_never_end_and_counts_them_as_failed()
    {
        LookupProbe? probe = null;
        SimulatedNetwork network = Ring(
            6, node => probe!.Attach(node), made => probe = new LookupProbe(made, "probe"));
        Assert.True(network.RunUntil(
            new RingChecker(network, ServiceId.FromName("probe")).Holds, Minute));
        var log = new ViolationLog(network.Engine);
        network.Engine.After(TimeSpan.FromMilliseconds(500), network.Nodes[2].PowerOff); // asks just now
        LookupStatistics found = probe!.RunFor(
            TimeSpan.FromMilliseconds(501), TimeSpan.FromMilliseconds(1), log);
        Assert.True(found.Open > 0);
        Assert.Equal((double)found.Right / (found.Ended + found.Open), found.Success);
        Assert.EndsWith("lookups never ended", Assert.Single(log.All).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Join_times_count_a_newcomer_that_ends_before_it_has_joined()
    {
        SimulatedNetwork network = Ring(2, _ => { });
        network.Nodes[1].PowerOff();
        var joins = new JoinTimes(network);
        SimulatedNode newcomer = network.AddNode(bootstrap: [network.Nodes[1]]);
        newcomer.Start();
        joins.Add(newcomer);
        network.RunFor(TimeSpan.FromSeconds(1.9));
        newcomer.PowerOff();
        network.RunFor(TimeSpan.FromSeconds(5));
        Assert.Equal(2, Assert.Single(joins.Seconds()));
        Assert.Equal(1, joins.Unfinished);
    }

    [Fact]
    public void Isolation_checker_reports_a_marked_payload_that_reaches_a_node_without_the_service()
    {
        SimulatedNetwork network = Ring(3, node => Attach(node, "ours"));
        var log = new ViolationLog(network.Engine);
        var ours = new IsolationChecker(network, ServiceId.FromName("ours"), log);
        var theirs = new IsolationChecker(network, ServiceId.FromName("theirs"), log);
        IKbrService service = Attach(network.Nodes[0], "ours", ServiceRole.Client);
        Spread(network, service, ours.Mark);
        Assert.True(ours.MarkedFrames > 0);
        Assert.Equal(0, log.Count);

        Spread(network, service, theirs.Mark);
        Assert.Equal(theirs.MarkedFrames, log.Count);
        Assert.True(log.Count > 0);
    }

    [Fact]
    public void Bounds_checker_reports_requests_that_have_not_ended()
    {
        SimulatedNetwork network = Ring(2, node => Attach(node, "mute"));
        var log = new ViolationLog(network.Engine);
        IKbrService client = Attach(network.Nodes[0], "mute", ServiceRole.Client);
        new BoundsChecker(network).CheckQuiet(log);
        Assert.Equal(0, log.Count);
        client.Request(network.Nodes[1].NodeId, new byte[1], new RequestOptions(Minute), _ => { });
        network.RunFor(TimeSpan.FromSeconds(1));
        new BoundsChecker(network).CheckQuiet(log);
        Assert.Equal(1, log.Count);
    }

    [Fact]
    public void Violation_log_keeps_a_few_of_each_kind_and_counts_all()
    {
        var log = new ViolationLog(new SimulationEngine(1));
        for (int i = 0; i < 50; i++)
        {
            log.Add("kind", $"number {i}");
        }

        Assert.Equal(50, log.Count);
        Assert.Equal(21, log.All.Count);
        Assert.Contains("30 more", log.All[^1].Text, StringComparison.Ordinal);
    }

    private static void Spread(SimulatedNetwork network, IKbrService service, ReadOnlyMemory<byte> mark)
    {
        foreach (SimulatedNode node in network.Nodes)
        {
            service.Route(node.NodeId, mark);
        }

        network.RunFor(Minute);
    }

    private static SimulatedNetwork Ring(
        int nodes, Action<SimulatedNode> program, Action<SimulatedNetwork>? prepare = null)
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = 8 });
        prepare?.Invoke(network);
        network.Grow(nodes, program);
        var ring = new RingChecker(network);
        Assert.True(network.RunUntil(() => network.RunningNodes.Count() == nodes && ring.Holds(), Minute));
        network.RunFor(TimeSpan.FromSeconds(10));
        return network;
    }

    private static IKbrService Attach(
        SimulatedNode node, string service, ServiceRole role = ServiceRole.Member) =>
        node.Subscribe(new SubscribeOptions { Service = service, Role = role }, new Mute());

    private sealed class Mute : IKbrApplication
    {
        public void Deliver(in KbrDelivery delivery) => Assert.NotEqual(default, delivery.Source);

        public void Update(NeighbourChange change) => Assert.NotNull(change);
    }
}
