using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>Records that ask for fewer replicas than most.</summary>
public class FewReplicasTests
{
    [Fact]
    public void Record_whose_only_holder_is_away_is_not_called_absent()
    {
        DhtCluster cluster = DhtCluster.Of(6);
        Key key = cluster.Put("tea", "green", with: p => p with { Replicas = 1 }).Receipt!.Key;
        DhtClusterNode holder = cluster.RootOf(key);
        cluster.Run(60);
        Assert.Equal(1, cluster.Alive.Count(n => n.Disk.ContainsKey(key)));
        cluster.Kill(holder);
        cluster.Run(5);
        Assert.Equal(GetOutcome.Unreachable, cluster.Get("tea", seconds: 1).Outcome);

        // Nor does a new root forget it that is restarted.
        DhtClusterNode root = cluster.RootOf(key);
        cluster.Kill(root);
        cluster.Revive(root);
        cluster.Run(5);
        Assert.Equal(GetOutcome.Unreachable, cluster.Get("tea", seconds: 1).Outcome);

        cluster.Revive(holder);
        Assert.Equal("green", cluster.Value("tea"));
        cluster.RunUntil(() => cluster.Alive.All(n => n.Dht.Status.IsSettled));
        Assert.Equal(GetOutcome.Absent, cluster.Get("nothing").Outcome);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void First_record_with_few_copies_is_not_called_absent_when_its_holders_die_at_once(int replicas)
    {
        for (int seed = 1; seed <= 10; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(8, seed);
            OperationResult put = cluster.Put("tea", "green", with: p => p with { Replicas = replicas });
            Assert.False(put.Receipt!.IsDegraded);
            foreach (DhtClusterNode holder in cluster.NearestTo(put.Receipt.Key)[..replicas])
            {
                cluster.Kill(holder);
            }

            cluster.Run(5);
            Assert.Equal(GetOutcome.Unreachable, cluster.Get("tea", seconds: 1).Outcome);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Newcomer_that_becomes_root_hears_of_a_record_whose_only_holder_is_away(int newcomers)
    {
        DhtCluster cluster = DhtCluster.Of(8);
        Key key = cluster.Put("tea", "green", with: p => p with { Replicas = 1 }).Receipt!.Key;
        cluster.Run(60);
        cluster.Kill(cluster.RootOf(key));
        cluster.Run(5);
        for (int nearer = newcomers - 1; nearer >= 0; nearer--)
        {
            DhtClusterNode newcomer = cluster.Add(key + new Key(0, 0, 0, (ulong)nearer));
            cluster.RunUntil(() => newcomer.Dht.Status.IsJoined);
        }

        for (int second = 0; second < 60; second++)
        {
            cluster.Run(1);
            Assert.Equal(GetOutcome.Unreachable, cluster.Get("tea", seconds: 1).Outcome);
        }

        Assert.Equal(key, cluster.RootOf(key).Id);
    }

    [Fact]
    public void Root_that_has_lost_the_word_unseen_writes_no_record_with_one_copy_unmarked()
    {
        for (int seed = 1; seed <= 10; seed++)
        {
            DhtCluster cluster = DhtCluster.Of(8, seed);
            Key key = DhtKey.ForValue("tea");
            DhtClusterNode root = cluster.RootOf(key);
            cluster.Sever(root.Id, key);
            DhtClusterNode newcomer = cluster.Add(key);
            cluster.Run(5);
            OperationResult put = cluster.Put("tea", "green", root, p => p with { Replicas = 1 });
            GetResult got = cluster.Get("tea", newcomer, seconds: 1);
            bool isAbsent = got is { Outcome: GetOutcome.Absent, IsDegraded: false };
            Assert.False(
                put.Receipt is { IsDegraded: false } && isAbsent,
                $"written unmarked, and absent (seed {seed})");
        }
    }

    [Fact]
    public void Record_that_is_no_more_keeps_no_absent_key_unreachable()
    {
        var options = new DhtNodeOptions { ExpiredRetention = TimeSpan.Zero };
        var cluster = new DhtCluster(1) { Options = options };
        for (int at = 0; at < 8; at++)
        {
            cluster.Add();
        }

        cluster.RunUntil(() => cluster.Alive.All(n => n.Dht.Status.IsSettled));
        OperationResult put = cluster.Put(
            "tea", "green", with: p => p with { Replicas = 1, TimeToLive = TimeSpan.FromSeconds(5) });
        Assert.NotNull(put.Receipt);
        cluster.RunUntil(() => cluster.Alive.All(n => n.Disk.Count == 0), 3600);
        cluster.Run(13 * 60);
        cluster.Kill(cluster.RootOf(put.Receipt.Key));
        cluster.Run(30);
        for (int at = 0; at < 100; at++)
        {
            Assert.Equal(GetOutcome.Absent, cluster.Get($"absent {at}", seconds: 0.5).Outcome);
        }
    }

    [Fact]
    public void Version_that_missed_a_majority_of_three_is_told_as_degraded()
    {
        DhtCluster cluster = DhtCluster.Of(7, seed: 2);
        Key key = cluster.Put("tea", "green", with: p => p with { Replicas = 3 }).Receipt!.Key;
        cluster.Run(5);
        DhtClusterNode[] holders =
            [.. cluster.Alive.OrderBy(n => n.Id, Comparer<Key>.Create(key.CompareNearness)).Take(3)];
        cluster.Cut(holders[0].Id, holders[2].Id);
        Assert.NotNull(cluster.Put("tea", "black", holders[0], p => p with { Replicas = 3 }).Receipt);
        cluster.Kill(holders[0]);
        cluster.Kill(holders[1]);
        cluster.Run(5);
        GetResult got = cluster.Get("tea");
        Assert.Equal((GetOutcome.Found, true), (got.Outcome, got.IsDegraded));
        cluster.Revive(holders[1]);
        Assert.Equal("black", cluster.Value("tea"));
    }
}
