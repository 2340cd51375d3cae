using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>Nodes whose disk is full or has failed, among others that have room.</summary>
public class FullReplicaTests
{
    private const int Names = 40;

    [Theory]
    [InlineData(StoreOutcome.Failed)]
    [InlineData(StoreOutcome.OverQuota)]
    public void One_full_node_of_five_fails_no_write_of_what_four_others_can_hold(StoreOutcome outcome)
    {
        DhtCluster cluster = DhtCluster.Of(5);
        Write(cluster, "old");
        cluster.Run(1);
        DhtClusterNode full = cluster.Alive.First();
        full.WriteOutcome = outcome;
        Assert.Contains(Keys(), key => cluster.RootOf(key) == full);
        Write(cluster, "new");
        Assert.NotNull(cluster.Put("fresh", "new").Receipt);
        Read(cluster, "new");
        Assert.NotNull(
            cluster.Put("name 0", "", with: p => p with { IsDelete = true, Value = default }).Receipt);
        Assert.Equal(GetOutcome.Deleted, cluster.Get("name 0").Outcome);

        // Nor does it forget over a restart that others have what it has not.
        cluster.Run(2);
        cluster.Kill(full);
        cluster.Revive(full);
        Assert.Equal(GetOutcome.Deleted, cluster.Get("name 0", full).Outcome);
        Assert.Equal("new", cluster.Value("name 1", full));
    }

    [Fact]
    public void Root_that_lacks_a_record_calls_it_neither_absent_nor_by_an_older_value()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        Key key = DhtKey.ForValue("tea");
        DhtClusterNode[] near = cluster.NearestTo(key);
        near[0].WriteOutcome = StoreOutcome.Failed;
        PutReceipt receipt = cluster.Put("tea", "green", near[0]).Receipt!;
        Assert.DoesNotContain(near[0].Id, receipt.Holders);
        foreach (Key holder in receipt.Holders.Take(3))
        {
            cluster.Kill(cluster.Alive.Single(n => n.Id == holder));
        }

        cluster.Run(1);
        Assert.NotEqual(GetOutcome.Absent, cluster.Get("tea", near[0], seconds: 1).Outcome);
    }

    [Fact]
    public void Full_node_takes_what_it_missed_when_it_has_room_again()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode full = cluster.Alive.First();
        full.WriteOutcome = StoreOutcome.Failed;
        Write(cluster, "new");
        cluster.Run(60);
        Assert.Empty(full.Disk);
        full.WriteOutcome = StoreOutcome.Durable;
        cluster.RunUntil(() => full.Disk.Count == Names, 120);
        cluster.RunUntil(() => full.Dht.Status is { IsSettled: true, IsReplicated: true }, 60);
        Key own = Keys().First(key => cluster.RootOf(key) == full);
        cluster.Get(own, full); // asks for leases, which may come after the answer
        cluster.Run(0.1);
        int requests = cluster.Alive.Sum(n => n.Requests);
        Assert.Equal(1, cluster.Get(own, full).Got!.ReplicasAsked);
        Assert.Equal(requests + 1, cluster.Alive.Sum(n => n.Requests));
    }

    [Fact]
    public void Write_that_no_node_has_room_for_is_refused_and_leaves_nothing_unreachable()
    {
        DhtCluster cluster = DhtCluster.Of(3);
        foreach (DhtClusterNode node in cluster.Alive)
        {
            node.WriteOutcome = StoreOutcome.OverQuota;
        }

        Assert.Equal(DhtError.Refused, cluster.Put("tea", "green").Failure!.Error);
        Assert.Equal(GetOutcome.Absent, cluster.Get("tea").Outcome);
    }

    [Fact]
    public void Three_full_nodes_of_five_leave_too_few_and_are_named()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode[] near = cluster.NearestTo(DhtKey.ForValue("tea"));
        foreach (DhtClusterNode node in near[..3])
        {
            node.WriteOutcome = StoreOutcome.Failed;
        }

        DhtFailure failure = cluster.Put("tea", "green", near[4]).Failure!;
        Assert.Equal(DhtError.NotEnoughReplicas, failure.Error);
        Assert.Equal(2, failure.Holders.Count);
        Assert.All(near[..3], node =>
            Assert.Contains(node.Id.ToShortString(), failure.Message, StringComparison.Ordinal));
    }

    private static IEnumerable<Key> Keys() =>
        Enumerable.Range(0, Names).Select(at => DhtKey.ForValue($"name {at}"));

    private static void Write(DhtCluster cluster, string value)
    {
        for (int at = 0; at < Names; at++)
        {
            DhtClusterNode via = cluster.Alive.ElementAt(at % cluster.Alive.Count());
            OperationResult result = cluster.Put($"name {at}", value, via);
            Assert.True(result.Receipt is not null, result.Failure?.Message);
        }
    }

    private static void Read(DhtCluster cluster, string value)
    {
        for (int at = 0; at < Names; at++)
        {
            foreach (DhtClusterNode via in cluster.Alive)
            {
                Assert.Equal(value, cluster.Value($"name {at}", via));
            }
        }
    }
}
