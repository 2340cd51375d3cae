using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Dht;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;
using Igor.Simulation.Scenarios;

namespace Igor.Simulation.Tests;

public class DhtScenarioTests
{
    [Fact]
    public void Dht_of_a_thousand_nodes_loses_nothing_when_a_quarter_dies_at_once_and_another_one_by_one()
    {
        ScenarioResult result = Run("dht", new ScenarioSettings
        {
            Nodes = 1000,
            Seed = 30,
            Parameters = new Dictionary<string, double> { ["records"] = 1000 },
        });
        Assert.Equal(1, result.Metric("putSuccess"));
        Assert.Equal(1, result.Metric("readSuccessAfterAllCrashes"));
        Assert.Equal(1, result.Metric("readSuccessAtTheEnd"));
    }

    [Theory]
    [InlineData(1, 0, 0)]
    [InlineData(2, 1, 20_000)]
    [InlineData(3, 0.5, 1000)]
    public void Dht_loses_nothing_with_silent_deaths_and_wrong_clocks(
        ulong seed, double silent, double skewMs) =>
        Run("dht", new ScenarioSettings
        {
            Nodes = 25,
            Seed = seed,
            Parameters = new Dictionary<string, double>
            {
                ["records"] = 150,
                ["silent-fraction"] = silent,
                ["clock-skew-ms"] = skewMs,
            },
        });

    [Theory]
    [InlineData(10, 5, 0.2)]
    [InlineData(11, 12, 0.3)]
    [InlineData(12, 25, 0.3)]
    public void Dht_serves_everything_while_clocks_of_some_hosts_jump_over_years(
        ulong seed, int nodes, double wrong)
    {
        ScenarioResult result = Run("dht", new ScenarioSettings
        {
            Nodes = nodes,
            Seed = seed,
            Parameters = new Dictionary<string, double>
            {
                ["records"] = 100,
                ["crash-fraction"] = 0.2,
                ["wrong-clock-fraction"] = wrong,
            },
        });
        Assert.Equal(1, result.Metric("putSuccess"));
        Assert.Equal(1, result.Metric("readSuccessAtTheEnd"));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void Dht_loses_nothing_that_it_acknowledged_when_disks_fail_now_and_then(ulong seed)
    {
        ScenarioResult result = Run("dht", new ScenarioSettings
        {
            Nodes = 20,
            Seed = seed,
            Parameters = new Dictionary<string, double> { ["records"] = 150, ["disk-fault-fraction"] = 0.05 },
        });
        Assert.InRange(result.Metric("putSuccess"), 0.5, 1);
    }

    [Theory]
    [InlineData(1, 6)]
    [InlineData(2, 7)]
    [InlineData(3, 8)]
    [InlineData(30, 9)]
    public void Dht_serves_everything_after_all_nodes_lost_power_at_once(int nodes, ulong seed) =>
        Run("power-cut", new ScenarioSettings
        {
            Nodes = nodes,
            Seed = seed,
            Parameters = new Dictionary<string, double> { ["records"] = 100 },
        });

    [Fact]
    public void Dht_scenario_leaves_the_same_trace_with_the_same_seed()
    {
        ScenarioSettings settings = new()
        {
            Nodes = 15,
            Seed = 10,
            Parameters = new Dictionary<string, double> { ["records"] = 50 },
        };
        Assert.Equal(Run("dht", settings).TraceHash, Run("dht", settings).TraceHash);
    }

    [Fact]
    public void Values_never_reach_a_node_that_does_not_run_the_dht()
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = 11 });
        var log = new ViolationLog(network.Engine);
        ServiceId service = ServiceId.FromName(SimulatedDht.Service);
        var isolation = new IsolationChecker(network, service, log);
        SimRandom random = network.Engine.RandomFor("test");
        var members = new List<SimulatedDht>();
        network.Grow(24, node =>
        {
            if (node.Index % 2 == 0)
            {
                members.Add(SimulatedDht.Attach(node, random));
            }
        });
        Assert.True(network.RunUntil(
            () => network.RunningNodes.Count() == 24 && new RingChecker(network, service).Holds(),
            TimeSpan.FromMinutes(2)));
        SimulatedDht client = SimulatedDht.AttachClient(network.Nodes[1], random);
        int done = 0;
        for (int i = 0; i < 40; i++)
        {
            Put(i % 4 == 0 ? client : members[i % members.Count], $"key {i}", isolation.Mark, () => done++);
        }

        Assert.True(
            network.RunUntil(() => done == 40, TimeSpan.FromMinutes(2)),
            $"{done} of 40 puts were acknowledged");
        network.Nodes[2].PowerOff();
        network.Nodes[4].Crash();
        network.RunFor(TimeSpan.FromMinutes(3));
        Assert.True(isolation.MarkedFrames > 100);
        Assert.True(log.Count == 0, string.Join('\n', log.All));
    }

    [Fact]
    public void Ledger_reports_a_record_whose_copies_are_gone_or_out_of_place()
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = 12 });
        var log = new ViolationLog(network.Engine);
        var ledger = new RecordLedger(network);
        SimRandom random = network.Engine.RandomFor("test");
        var members = new List<SimulatedDht>();
        network.Grow(8, node => members.Add(SimulatedDht.Attach(node, random)));
        Assert.True(network.RunUntil(
            () => network.RunningNodes.Count() == 8
                && new RingChecker(network, ServiceId.FromName(SimulatedDht.Service)).Holds(),
            TimeSpan.FromMinutes(2)));
        OperationResult? result = null;
        Key key = Key.HashOf("planted");
        members[0].Put(
            new DhtPut
            {
                Key = key,
                Type = "value",
                Value = new byte[9],
                Timeout = TimeSpan.FromSeconds(20),
            },
            ended => result = ended);
        Assert.True(network.RunUntil(() => result is not null, TimeSpan.FromMinutes(1)));
        ledger.Add(new RecordLedger.Promise(key, result!.Receipt!.Version, new byte[9], 5));
        network.RunFor(TimeSpan.FromSeconds(30));
        ledger.CheckNothingLost(log);
        ledger.CheckPlaces(log);
        Assert.Equal(0, log.Count);

        foreach (SimulatedNode node in network.Nodes)
        {
            SimulatedRecordStore.DurableOn(node).Remove(key, result.Receipt.Version, _ => { });
        }

        ledger.CheckNothingLost(log);
        Assert.Equal(1, log.Count);
        Assert.Equal(5, ledger.CountMisplaced());
        ledger.CheckPlaces(log);
        Assert.Equal(6, log.Count);
    }

    [Theory]
    [InlineData(3, true, 8, true)]
    [InlineData(3, false, 8, false)]
    [InlineData(2, true, 8, false)]
    [InlineData(3, true, 16, false)]
    public void Loss_is_excused_only_where_a_silent_death_left_no_time_for_repair(
        int copies, bool isSilent, int seconds, bool isExcused)
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = 14 });
        var deaths = new DeathLog(network);
        var header = new RecordHeader
        {
            Key = Key.HashOf("promised"),
            Type = "value",
            Version = new RecordVersion(1, 1),
        };
        for (int at = 0; at < copies; at++)
        {
            SimulatedNode node = network.AddNode();
            node.Start();
            SimulatedRecordStore.DurableOn(node).Write(RecordCodec.Encode(header, new byte[3]), _ => { });
            deaths.Note(node);
            if (isSilent && at == 0)
            {
                node.PowerOff();
                network.RunFor(TimeSpan.FromSeconds(seconds));
            }
            else
            {
                node.Crash();
            }
        }

        var promise = new RecordLedger.Promise(header.Key, header.Version, new byte[3], Replicas: 5);
        Assert.Equal(isExcused, deaths.CameTooFastFor(promise));
    }

    [Fact]
    public void Crash_takes_what_no_commit_has_made_durable()
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = 13 });
        SimulatedNode node = network.AddNode();
        node.Start();
        var slow = new SimulatedStoreOptions
        {
            CommitMin = TimeSpan.FromSeconds(1),
            CommitMax = TimeSpan.FromSeconds(1),
        };
        var store = new SimulatedRecordStore(node, slow, new SimRandom(1));
        int durable = 0;
        foreach (string name in new[] { "first", "second", "third" })
        {
            var header = new RecordHeader
            {
                Key = Key.HashOf(name),
                Type = "value",
                Version = new RecordVersion(1, 1),
            };
            store.Write(RecordCodec.Encode(header, new byte[3]), _ => durable++);
            network.RunFor(TimeSpan.FromMilliseconds(600));
        }

        Assert.Equal(1, durable);
        node.Crash();
        network.RunFor(TimeSpan.FromSeconds(10));
        Assert.Equal(1, durable);
        Assert.NotNull(SimulatedRecordStore.Find(node, Key.HashOf("first")));
        Assert.Null(SimulatedRecordStore.Find(node, Key.HashOf("second")));
        node.LoseDisk();
        Assert.Null(SimulatedRecordStore.Find(node, Key.HashOf("first")));
    }

    private static void Put(SimulatedDht dht, string name, ReadOnlyMemory<byte> value, Action acknowledged)
    {
        var put = new DhtPut
        {
            Key = Key.HashOf(name),
            Type = "value",
            Value = value,
            Timeout = TimeSpan.FromSeconds(30),
        };
        dht.Put(put, result =>
        {
            if (result.Receipt is not null)
            {
                acknowledged();
            }
        });
    }

    private static ScenarioResult Run(string name, ScenarioSettings settings)
    {
        ScenarioResult result = ScenarioRun.Execute(ScenarioCatalog.Find(name)!, settings);
        Assert.True(result.Violations.Count == 0, result.ToString());
        return result;
    }
}
