using CsCheck;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

public class SyncTests
{
    /// <summary>Two nodes that hold anything end up with the newest of both.</summary>
    [Fact]
    public void Random_holdings_converge() => Gen.Select(Gen.Int[0, 1500], Gen.Int[1, 1000]).Sample(
        (count, seed) =>
        {
            var random = new Random(seed);
            var cluster = new DhtCluster(seed);
            DhtClusterNode left = cluster.Add();
            DhtClusterNode right = cluster.Add();
            cluster.Kill(left);
            cluster.Kill(right);
            var newest = new Dictionary<Key, RecordVersion>();
            for (int at = 0; at < count; at++)
            {
                Fill(left, right, newest, random, $"record {at}");
            }

            cluster.Revive(left);
            cluster.Revive(right);
            cluster.RunUntil(
                () => cluster.Alive.All(n => n.Dht.Status is { IsSettled: true, IsReplicated: true }), 30);
            Assert.All(cluster.Alive, n => Assert.Equal(
                newest.OrderBy(e => e.Key),
                n.Disk.Select(e => KeyValuePair.Create(e.Key, e.Value.Header.Version))
                    .OrderBy(e => e.Key)));
        },
        iter: 20);

    [Fact]
    public void Thousand_records_are_given_to_a_newcomer_within_two_seconds()
    {
        DhtCluster cluster = DhtCluster.Of(4, seed: 8);
        for (int at = 0; at < 1000; at++)
        {
            cluster.Put($"name {at}", "value");
        }

        DhtClusterNode newcomer = cluster.Add();
        cluster.RunUntil(() => newcomer.Disk.Count == 1000, 2);
    }

    [Fact]
    public void Newcomer_settles_beside_a_node_whose_quota_is_full()
    {
        DhtCluster cluster = DhtCluster.Of(5, seed: 4);
        DhtClusterNode full = cluster.Alive.First();
        full.WriteOutcome = StoreOutcome.OverQuota;
        for (int at = 0; at < 50; at++)
        {
            Assert.NotNull(cluster.Put($"name {at}", "value", cluster.Alive.Last(), p => p with
            {
                Key = RootedElsewhere(cluster, full, at),
            }).Receipt);
        }

        DhtClusterNode newcomer = cluster.Add();
        cluster.RunUntil(() => newcomer.Dht.Status.IsSettled, 5);
        Assert.False(newcomer.Dht.Status.IsReplicated);
        full.WriteOutcome = StoreOutcome.Durable;
        cluster.RunUntil(() => cluster.Alive.All(n => n.Dht.Status.IsReplicated), 60);
    }

    private static Key RootedElsewhere(DhtCluster cluster, DhtClusterNode full, int at)
    {
        Key key = DhtKey.ForValue($"name {at}");
        return cluster.RootOf(key) == full ? key + Key.PowerOfTwo(255) : key;
    }

    [Fact]
    public void Replicas_in_sync_cost_one_question_per_period_and_neighbour()
    {
        DhtCluster cluster = DhtCluster.Of(5, seed: 2);
        for (int at = 0; at < 300; at++)
        {
            cluster.Put($"name {at}", "value");
        }

        cluster.Run(60);
        int before = cluster.Alive.Sum(n => n.Requests);
        cluster.Run(300);
        int exchanges = cluster.Alive.Sum(n => n.Requests) - before;

        // 5 nodes x 4 others x 10 periods, each a question about one or two arcs and a word that all is well.
        Assert.InRange(exchanges, 200, 800);
    }

    private static void Fill(
        DhtClusterNode left,
        DhtClusterNode right,
        Dictionary<Key, RecordVersion> newest,
        Random random,
        string name)
    {
        foreach (DhtClusterNode node in (DhtClusterNode[])[left, right])
        {
            if (random.Next(3) == 0)
            {
                continue;
            }

            Record record = RecordCodec.Encode(
                new RecordHeader
                {
                    Key = DhtKey.ForValue(name),
                    Type = ValueRecordType.TypeName,
                    Version = new RecordVersion((ulong)random.Next(1, 4), 1),
                    Replicas = random.Next(8) == 0 ? random.Next(2, 9) : 5,
                },
                [1]);
            node.Disk[record.Header.Key] = record;
            RecordVersion before = newest.GetValueOrDefault(record.Header.Key);
            newest[record.Header.Key] = before > record.Header.Version ? before : record.Header.Version;
        }
    }
}
