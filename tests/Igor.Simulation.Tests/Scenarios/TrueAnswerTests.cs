using System.Globalization;
using System.Text;
using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Dht;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests.Scenarios;

/// <summary>
/// Values on the whole overlay, with one link cut, or a root that sleeps: an answer that is not marked is no
/// older than any that ended before it was asked for.
/// </summary>
public class TrueAnswerTests
{
    private const int Nodes = 16;
    private static readonly Key s_tea = DhtKey.ForValue("tea");

    /// <summary>How a link between the root and the node next to it is cut.</summary>
    public enum Cut
    {
        BothWays,
        FromRoot,
        ToRoot,
    }

    [Theory]
    [InlineData(1, Cut.BothWays)]
    [InlineData(2, Cut.BothWays)]
    [InlineData(3, Cut.BothWays)]
    [InlineData(1, Cut.FromRoot)]
    [InlineData(2, Cut.FromRoot)]
    [InlineData(1, Cut.ToRoot)]
    [InlineData(2, Cut.ToRoot)]
    public void Cut_link_of_a_minute_makes_no_wrong_answer(ulong seed, Cut cut)
    {
        var world = new World(seed);
        SimulatedNode root = world.Near[0];
        SimulatedNode next = world.Near[1];
        world.Begin();
        world.Network.RunFor(TimeSpan.FromSeconds(5));
        _ = cut switch
        {
            Cut.BothWays => world.Network.Faults.Partition([root], [next]),
            Cut.FromRoot => world.Network.Faults.PartitionOneWay([root], [next]),
            _ => world.Network.Faults.PartitionOneWay([next], [root]),
        };
        world.Network.RunFor(TimeSpan.FromSeconds(60));
        world.Network.Faults.HealAll();
        world.Network.RunFor(TimeSpan.FromSeconds(60));
        world.Judge();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    public void Root_that_slept_reads_nothing_old_when_it_wakes(ulong seed)
    {
        var world = new World(seed);
        world.Begin();
        world.Network.RunFor(TimeSpan.FromSeconds(5));
        world.Near[0].Stall(TimeSpan.FromSeconds(30));
        world.Network.RunFor(TimeSpan.FromSeconds(60));
        world.Judge();
    }

    /// <summary>One key that one node writes and several read, all the time.</summary>
    private sealed class World
    {
        private readonly Dictionary<SimulatedNode, SimulatedDht> _dhts = [];
        private readonly List<Ended> _ended = [];
        private readonly ulong _seed;
        private int _written;
        private int _marked;

        public World(ulong seed)
        {
            _seed = seed;
            Network = new SimulatedNetwork(new SimulationOptions { Seed = seed });
            SimRandom random = Network.Engine.RandomFor("test");
            Network.Grow(Nodes, node => _dhts[node] = SimulatedDht.Attach(node, random));
            Network.RunFor(TimeSpan.FromMinutes(2));
            Near = [.. TrueRing.OfAll(Network).NearestTo(s_tea, 6)];
        }

        public SimulatedNetwork Network { get; }

        public IReadOnlyList<SimulatedNode> Near { get; }

        public void Begin()
        {
            Write(Near[2]);
            foreach (SimulatedNode reader in Near)
            {
                Read(reader);
            }
        }

        public void Judge()
        {
            RecordVersion newest = RecordVersion.None;
            TimeSpan last = TimeSpan.Zero;
            int at = 0;
            List<Ended> byEnd = [.. _ended.OrderBy(ended => ended.At)];
            foreach (Ended read in _ended.Where(ended => ended.IsRead).OrderBy(ended => ended.Begun))
            {
                for (; at < byEnd.Count && byEnd[at].At < read.Begun; at++)
                {
                    newest = byEnd[at].Version > newest ? byEnd[at].Version : newest;
                }

                Assert.True(
                    read.Version >= newest,
                    $"seed {_seed}: {read.Begun} to {read.At} at {read.By}: {read.Version} < {newest}");
                last = read.At;
            }

            // It goes on, unmarked for the most part, and so it does in the end.
            Assert.True(_ended.Count > _marked, $"seed {_seed}: {_marked} marked, {_ended.Count} not");
            Assert.True(last > Network.Now - TimeSpan.FromSeconds(2), $"seed {_seed}: last read {last}");
        }

        private void Write(SimulatedNode via)
        {
            TimeSpan begun = Network.Now;
            string value = (++_written).ToString(CultureInfo.InvariantCulture);
            var put = new DhtPut
            {
                Key = s_tea,
                Type = ValueRecordType.TypeName,
                Value = Encoding.UTF8.GetBytes(value),
                Timeout = TimeSpan.FromSeconds(10),
            };
            _dhts[via].Put(put, result =>
            {
                Note(via, begun, result.Receipt is { IsDegraded: false }, result.Receipt?.Version, false);
                via.After(TimeSpan.FromMilliseconds(100), () => Write(via));
            });
        }

        private void Read(SimulatedNode via)
        {
            TimeSpan begun = Network.Now;
            var get = new DhtGet
            {
                Key = s_tea,
                Type = ValueRecordType.TypeName,
                Timeout = TimeSpan.FromSeconds(1),
            };
            _dhts[via].Get(get, result =>
            {
                bool isTrue = result.Got is
                {
                    Outcome: GetOutcome.Found or GetOutcome.Absent,
                    IsDegraded: false
                };
                Note(via, begun, isTrue, result.Got?.Version, true);
                via.After(TimeSpan.FromMilliseconds(37), () => Read(via));
            });
        }

        private void Note(SimulatedNode by, TimeSpan begun, bool isTrue, RecordVersion? version, bool isRead)
        {
            if (isTrue)
            {
                _ended.Add(new Ended(by, begun, Network.Now, version!.Value, isRead));
            }
            else
            {
                _marked++;
            }
        }

        private readonly record struct Ended(
            SimulatedNode By, TimeSpan Begun, TimeSpan At, RecordVersion Version, bool IsRead);
    }
}
