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
