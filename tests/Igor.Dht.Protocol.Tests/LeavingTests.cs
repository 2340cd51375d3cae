using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>What members that leave in order must not take with them.</summary>
public class LeavingTests
{
    private static readonly Key s_tea = DhtKey.ForValue("tea");

    [Theory]
    [InlineData(5)]
    [InlineData(3)]
    [InlineData(2)]
    [InlineData(1)]
    public void Record_outlives_the_leaving_of_all_that_acknowledged_it(int replicas)
    {
        for (int seed = 1; seed <= 10; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(8, seed);
            DhtClusterNode[] near = cluster.NearestTo(s_tea);
            Assert.NotNull(Put(cluster, near[7], replicas));
            foreach (DhtClusterNode leaving in near[..replicas])
            {
                cluster.Leave(leaving);
                cluster.RunUntil(() => !leaving.IsAlive, 11);
                cluster.Run(1);
            }

            Assert.Equal("green", cluster.Value("tea", cluster.Alive.Last()));
        }
    }

    [Fact]
    public void Record_is_not_called_absent_when_all_its_replicas_leave_at_once()
    {
        for (int seed = 1; seed <= 10; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(8, seed);
            DhtClusterNode[] near = cluster.NearestTo(s_tea);
            Assert.NotNull(Put(cluster, near[7], 5));
            Array.ForEach(near[..5], cluster.Leave);
            cluster.RunUntil(() => near[..5].All(node => !node.IsAlive), 30);
            cluster.Run(1);
            Assert.NotEqual(GetOutcome.Absent, cluster.Get("tea", near[6], seconds: 2).Outcome);
        }
    }

    [Fact]
    public void Record_outlives_acknowledgers_that_leave_at_the_same_time()
    {
        for (int seed = 1; seed <= 10; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(8, seed);
            DhtClusterNode[] near = cluster.NearestTo(s_tea);
            cluster.Cut(near[0].Id, near[3].Id);
            cluster.Cut(near[0].Id, near[4].Id);
            Assert.Equal(3, Put(cluster, near[0], 5)!.Holders.Count);
            foreach (DhtClusterNode leaving in near[..3])
            {
                cluster.Leave(leaving);
            }

            cluster.RunUntil(() => near[..3].All(node => !node.IsAlive), 30);
            cluster.Run(0.1);
            Assert.NotEqual(GetOutcome.Absent, cluster.Get("tea", near[3], seconds: 2).Outcome);
        }
    }

    [Fact]
    public void Members_that_leave_without_handing_over_are_missed()
    {
        DhtCluster cluster = DhtCluster.Of(8);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        cluster.Cut(near[0].Id, near[3].Id);
        cluster.Cut(near[0].Id, near[4].Id);
        Assert.Equal(3, Put(cluster, near[0], 5)!.Holders.Count);
        foreach (DhtClusterNode leaving in near[..3])
        {
            cluster.Depart(leaving);
        }

        cluster.Heal();
        cluster.Run(2);
        Assert.Equal(GetOutcome.Unreachable, cluster.Get("tea", near[3], seconds: 2).Outcome);
        Assert.Equal(3, near[3].Dht.Status.Missing.Count);
    }

    [Fact]
    public void Members_that_hand_over_are_not_missed_and_the_last_leaves_at_once()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        Assert.NotNull(Put(cluster, cluster.Alive.First(), 5));
        while (cluster.Alive.Count() > 1)
        {
            DhtClusterNode leaving = cluster.Alive.First();
            TimeSpan before = cluster.Now;
            cluster.Leave(leaving);
            cluster.RunUntil(() => !leaving.IsAlive, 11);
            Assert.InRange(cluster.Now - before, TimeSpan.Zero, TimeSpan.FromSeconds(1));
            cluster.Run(1);
            Assert.All(cluster.Alive, node => Assert.Empty(node.Dht.Status.Missing));
        }

        DhtClusterNode last = cluster.Alive.Single();
        last.Dht.BeginLeaving();
        Assert.True(last.Dht.IsReadyToLeave);
    }

    [Fact]
    public void Puts_go_on_while_members_leave_one_after_the_other()
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(8, seed);
            DhtClusterNode writer = cluster.NearestTo(s_tea)[7];
            for (int at = 0; at < 6; at++)
            {
                DhtClusterNode root = cluster.RootOf(s_tea);
                cluster.Leave(root);
                Assert.NotNull(cluster.Put("tea", $"{at}", writer).Receipt);
                Assert.Equal($"{at}", cluster.Value("tea", writer));
                cluster.RunUntil(() => !root.IsAlive, 11);
                Assert.Equal($"{at}", cluster.Value("tea", writer));
                cluster.Run(1);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Record_with_few_copies_that_is_written_while_its_root_leaves_outlives_it(int replicas)
    {
        for (int seed = 1; seed <= 20; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(8, seed);
            DhtClusterNode[] near = cluster.NearestTo(s_tea);
            Assert.NotNull(Put(cluster, near[7], replicas));
            cluster.Slowness = 20;
            cluster.Run(1);
            cluster.Leave(near[0]);
            cluster.Run(0.005 * seed);
            Func<DhtPut, DhtPut> few = put => put with { Replicas = replicas };
            Assert.NotNull(cluster.Put("tea", "black", near[7], few).Receipt);
            cluster.RunUntil(() => !near[0].IsAlive, 11);
            cluster.Run(1);
            Assert.Equal("black", cluster.Value("tea", near[7]));
        }
    }

    private static PutReceipt? Put(DhtCluster cluster, DhtClusterNode via, int replicas) =>
        cluster.Put("tea", "green", via, put => put with { Replicas = replicas }).Receipt;
}
