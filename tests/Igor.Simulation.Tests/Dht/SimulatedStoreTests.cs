using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Simulation.Dht;
using Igor.Simulation.Engine;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests.Dht;

/// <summary>What a host's disk keeps when its process dies.</summary>
public class SimulatedStoreTests
{
    [Fact]
    public void Commit_that_a_death_tears_leaves_some_of_its_first_writes()
    {
        var kept = new HashSet<int>();
        for (ulong seed = 1; seed <= 40; seed++)
        {
            (SimulatedNetwork network, SimulatedNode node, SimulatedRecordStore store) = Host(seed);
            store.Write(Numbered(0), static _ => { });
            network.RunFor(TimeSpan.FromSeconds(1));
            bool isTold = false;
            store.Write(Numbered(1), static _ => { }); // begins a commit of its own
            for (int at = 2; at <= 4; at++)
            {
                store.Write(Numbered(at), _ => isTold = true);
            }

            network.RunUntil(() => SimulatedRecordStore.Find(node, KeyOf(1)) is not null, Second, Tick);
            node.PowerOff();
            Assert.False(isTold);
            node.Start();
            bool[] found = [.. Enumerable.Range(0, 5).Select(
                at => SimulatedRecordStore.Find(node, KeyOf(at)) is not null)];
            Assert.Equal(found, found.OrderDescending());
            kept.Add(found.Count(isThere => isThere));
        }

        Assert.Equal([2, 3, 4, 5], kept.Order());
    }

    [Fact]
    public void Note_is_lost_by_a_death_within_seconds_of_its_writing()
    {
        (SimulatedNetwork network, SimulatedNode node, SimulatedRecordStore store) = Host(1);
        store.WriteNote("note", [1]);
        network.RunFor(TimeSpan.FromSeconds(5));
        store.WriteNote("note", [2]);
        Assert.Equal([2], store.ReadNote("note"));
        node.Crash();
        Assert.Equal([1], SimulatedRecordStore.DurableOn(node).ReadNote("note"));
    }

    [Fact]
    public void Full_disk_takes_nothing_and_a_slow_one_takes_longer()
    {
        (SimulatedNetwork network, SimulatedNode node, SimulatedRecordStore store) = Host(1);
        var ends = new List<(StoreOutcome Outcome, TimeSpan At)>();
        node.Disk.IsFull = true;
        store.Write(Numbered(1), outcome => ends.Add((outcome, network.Now)));
        network.RunFor(Second);
        node.Disk.IsFull = false;
        node.Disk.ExtraCommitTime = Second;
        TimeSpan start = network.Now;
        store.Write(Numbered(2), outcome => ends.Add((outcome, network.Now)));
        network.RunFor(Second * 2);
        Assert.Equal([StoreOutcome.Failed, StoreOutcome.Durable], ends.Select(end => end.Outcome));
        Assert.InRange(ends[1].At - start, Second, Second * 1.1);
    }

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(0.1);

    private static (SimulatedNetwork Network, SimulatedNode Node, SimulatedRecordStore Store) Host(ulong seed)
    {
        var network = new SimulatedNetwork(new SimulationOptions { Seed = seed });
        SimRandom random = network.Engine.RandomFor("test");
        SimulatedRecordStore? store = null;
        SimulatedNode node = network.AddNode(
            started => store = new SimulatedRecordStore(started, new SimulatedStoreOptions(), random));
        node.Start();
        return (network, node, store!);
    }

    private static Key KeyOf(int at) => Key.HashOf($"name {at}");

    private static Record Numbered(int at) => RecordCodec.Encode(
        new RecordHeader
        {
            Key = KeyOf(at),
            Type = ValueRecordType.TypeName,
            Version = new RecordVersion((ulong)at + 1, 1),
        },
        [1]);
}
