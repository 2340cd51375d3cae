using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>Members that go for good, and what must be elsewhere when they have gone.</summary>
public class DrainTests
{
    private const int Keys = 40;
    private static readonly Key s_tea = DhtKey.ForValue("tea");

    [Theory]
    [InlineData(8)]
    [InlineData(5)]
    [InlineData(20)]
    public void Three_of_five_go_right_after_one_another_and_all_has_its_copies(int nodes)
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(nodes, seed);
            PutAll(cluster);
            foreach (DhtClusterNode going in cluster.NearestTo(s_tea)[..3])
            {
                Go(cluster, going);
                AssertAllIsThere(cluster, at: 0.2);
            }

            Assert.All(cluster.Alive, node => Assert.Empty(node.Dht.Status.Missing));
        }
    }

    [Fact]
    public void Member_far_from_the_others_waits_for_their_last_word_and_does_nothing_meanwhile()
    {
        DhtCluster cluster = DhtCluster.Of(8);
        PutAll(cluster);
        cluster.Slowness = 40; // longer on the way than from one look at the drain to the next
        Go(cluster, cluster.NearestTo(s_tea)[0]);
        AssertAllIsThere(cluster, at: 1);
    }

    [Fact]
    public void Two_that_go_at_the_same_time_wait_for_one_another()
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(8, seed);
            PutAll(cluster);
            DhtClusterNode[] going = cluster.NearestTo(s_tea)[..3];
            Array.ForEach(going, node => cluster.Drain(node));
            cluster.RunUntil(() => going.All(node => !node.IsAlive), 20);
            AssertAllIsThere(cluster, at: 0.5);
        }
    }

    [Fact]
    public void Member_that_was_to_take_records_and_dies_is_replaced_by_another()
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(9, seed);
            PutAll(cluster, fewest: 3); // of fewer, the death of one may be a majority's
            DhtClusterNode[] near = cluster.NearestTo(s_tea);
            DhtClusterNode taker = near[5];
            taker.WriteDelay = TimeSpan.FromSeconds(2);
            cluster.Drain(near[0]);
            cluster.Run(1);
            Assert.Equal(DrainStage.Moving, near[0].Dht.Draining.Stage);
            Assert.Contains(near[0].Dht.Status.Troubles, t => t.Kind == TroubleKinds.Draining);
            cluster.Kill(taker);
            cluster.RunUntil(() => !near[0].IsAlive, 20);
            AssertAllIsThere(cluster, at: 1, fewest: 3);
        }
    }

    [Fact]
    public void Drain_fails_in_time_when_nobody_takes_the_records_and_the_member_goes_on()
    {
        DhtCluster cluster = DhtCluster.Of(7);
        PutAll(cluster);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        foreach (DhtClusterNode full in near[5..])
        {
            full.WriteOutcome = StoreOutcome.OverQuota;
        }

        cluster.Drain(near[0], seconds: 3);
        cluster.RunUntil(() => near[0].Dht.Draining.Stage == DrainStage.Failed, 3.2);
        Assert.Contains("does not take", near[0].Dht.Draining.Obstacle, StringComparison.Ordinal);
        Assert.DoesNotContain(near[0].Dht.Status.Troubles, t => t.Kind == TroubleKinds.Draining);
        cluster.Run(15);
        Assert.All(cluster.Alive, node => Assert.True(node.Dht.Status.IsJoined));
        Assert.False(cluster.Put("tea", "green").Receipt!.IsDegraded);
        Assert.Contains(near[0].Id, cluster.Put("tea", "black").Receipt!.Holders);

        Array.ForEach(near[5..], full => full.WriteOutcome = StoreOutcome.Durable);
        Go(cluster, near[0]);
        AssertAllIsThere(cluster, at: 0.2);
    }

    [Fact]
    public void Drain_fails_at_once_where_nobody_is()
    {
        DhtCluster cluster = DhtCluster.Of(1);
        DhtClusterNode only = cluster.Alive.Single();
        cluster.Drain(only);
        Assert.Equal(DrainStage.Failed, only.Dht.Draining.Stage);
        Assert.Contains("no other member", only.Dht.Draining.Obstacle, StringComparison.Ordinal);
    }

    [Fact]
    public void Drain_waits_while_too_few_would_be_left_of_those_who_are_expected()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        PutAll(cluster);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        cluster.Kill(near[3]);
        cluster.Kill(near[4]);
        cluster.Run(1);
        cluster.Drain(near[0], seconds: 5);
        cluster.RunUntil(() => near[0].Dht.Draining.Stage == DrainStage.Failed, 6);
        Assert.Contains("2 members are missed", near[0].Dht.Draining.Obstacle, StringComparison.Ordinal);
        Assert.False(cluster.Get("k0").IsDegraded);
    }

    [Fact]
    public void Crash_in_the_middle_is_a_crash_like_any_other()
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(8, seed);
            PutAll(cluster);
            DhtClusterNode[] near = cluster.NearestTo(s_tea);
            near[6].WriteDelay = near[5].WriteDelay = TimeSpan.FromSeconds(2);
            cluster.Drain(near[0]);
            cluster.Run(1);
            cluster.Kill(near[0]);
            cluster.Run(2);
            Assert.All(cluster.Alive, node => Assert.Contains(near[0].Id, node.Dht.Status.Missing));
            Assert.Equal(GetOutcome.Found, cluster.Get("k0").Outcome);
            cluster.Revive(near[0]);
            cluster.RunUntil(
                () => cluster.Alive.All(node => node.Dht.Status is { IsSettled: true, IsReplicated: true }));
            Assert.Equal(DrainStage.None, near[0].Dht.Draining.Stage);
            AssertAllIsThere(cluster, at: 1);
        }
    }

    [Fact]
    public void What_is_written_meanwhile_has_its_copies_without_those_who_go()
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(9, seed);
            PutAll(cluster);
            DhtClusterNode[] near = cluster.NearestTo(s_tea);
            foreach (DhtClusterNode going in near[..3])
            {
                cluster.Drain(going);
                int written = 0;
                while (going.IsAlive && going.Dht.Draining.Stage != DrainStage.Drained)
                {
                    PutReceipt receipt = cluster.Put("tea", $"{written++}", near[8]).Receipt!;
                    Assert.False(receipt.IsDegraded);
                    int staying = cluster.Alive.Count(node => node.Dht.Draining.Stage == DrainStage.None
                        && receipt.Holders.Contains(node.Id));
                    Assert.InRange(staying, written < 5 ? 2 : 3, 9);
                }

                cluster.Run(0.3);
                GetResult got = cluster.Get("tea", near[8]);
                Assert.Equal((GetOutcome.Found, false), (got.Outcome, got.IsDegraded));
                Assert.Equal($"{written - 1}", System.Text.Encoding.UTF8.GetString(got.Value.Span));
            }
        }
    }

    [Fact]
    public void Member_that_comes_back_is_an_ordinary_one_with_what_it_had()
    {
        DhtCluster cluster = DhtCluster.Of(8);
        PutAll(cluster);
        DhtClusterNode going = cluster.NearestTo(s_tea)[0];
        int had = going.Disk.Count;
        Go(cluster, going);
        Assert.Equal(had, going.Disk.Count);
        cluster.Run(5);
        cluster.Put("k0", "newer");
        cluster.Revive(going);
        cluster.RunUntil(
            () => cluster.Alive.All(node => node.Dht.Status is { IsSettled: true, IsReplicated: true }));
        cluster.Run(1);
        Assert.Equal("newer", cluster.Value("k0", going));
        Assert.Equal(DrainStage.None, going.Dht.Draining.Stage);
    }

    [Fact]
    public void Member_that_comes_back_expects_nobody_who_went_after_it()
    {
        DhtCluster cluster = DhtCluster.Of(7);
        PutAll(cluster);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        Go(cluster, near[0]);
        Go(cluster, near[1]);
        Go(cluster, near[2]);
        cluster.Revive(near[0]);
        cluster.RunUntil(
            () => cluster.Alive.All(node => node.Dht.Status is { IsSettled: true, IsReplicated: true }));
        Assert.All(cluster.Alive, node => Assert.Empty(node.Dht.Status.Missing));
    }

    private static int ReplicasOf(int key, int fewest) => Math.Max((key % 8) + 1, fewest);

    private static void PutAll(DhtCluster cluster, int fewest = 1)
    {
        for (int at = 0; at < Keys; at++)
        {
            int replicas = ReplicasOf(at, fewest);
            Assert.NotNull(cluster.Put("k" + at, "v", with: put => put with { Replicas = replicas }).Receipt);
        }

        cluster.RunUntil(
            () => cluster.Alive.All(node => node.Dht.Status is { IsSettled: true, IsReplicated: true }));
    }

    private static void Go(DhtCluster cluster, DhtClusterNode going)
    {
        cluster.Drain(going);
        cluster.RunUntil(() => !going.IsAlive || going.Dht.Draining.Stage == DrainStage.Failed, 31);
        Assert.False(going.IsAlive, going.Dht.Draining.Obstacle);
    }

    // What they hold is looked at before anybody could repair it; it is read a moment later.
    private static void AssertAllIsThere(DhtCluster cluster, double at, int fewest = 1)
    {
        int[] copies = [.. Enumerable.Range(0, Keys).Select(key => CopiesOf(cluster, key, fewest))];
        cluster.Run(at);
        for (int key = 0; key < Keys; key++)
        {
            int replicas = ReplicasOf(key, fewest);
            Assert.True(
                copies[key] >= Math.Min(replicas, cluster.Alive.Count()),
                $"k{key}: {copies[key]} of {replicas} copies (seed {cluster.Seed})");
            GetResult got = cluster.Get("k" + key);
            Assert.True(
                got is { Outcome: GetOutcome.Found, IsDegraded: false },
                $"k{key} of {replicas}: {got.Outcome}, degraded {got.IsDegraded} (seed {cluster.Seed})");
        }
    }

    // With those that are to hold it.
    private static int CopiesOf(DhtCluster cluster, int key, int fewest)
    {
        var name = DhtKey.ForValue("k" + key);
        return cluster.NearestTo(name).Take(ReplicasOf(key, fewest))
            .Count(node => node.Disk.ContainsKey(name));
    }
}
