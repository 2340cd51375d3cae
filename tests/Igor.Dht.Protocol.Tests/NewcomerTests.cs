using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>Members that come into a part of the ring only.</summary>
public class NewcomerTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(6)]
    public void Newcomer_that_reaches_few_members_calls_nothing_absent_that_others_hold(int reached)
    {
        DhtCluster cluster = DhtCluster.Of(24, seed: 7);
        for (int at = 0; at < 100; at++)
        {
            Assert.NotNull(cluster.Put($"name {at}", "v").Receipt);
        }

        cluster.Run(60);
        var id = Key.HashOf("newcomer");
        foreach (DhtClusterNode other in cluster.NearestTo(id)[reached..])
        {
            cluster.Sever(id, other.Id);
        }

        DhtClusterNode newcomer = cluster.Add(id);
        cluster.Run(35);
        for (int at = 0; at < 100; at++)
        {
            Assert.NotEqual(GetOutcome.Absent, cluster.Get($"name {at}", newcomer, seconds: 0.5).Outcome);
        }

        cluster.Unsever();
        cluster.RunUntil(
            () => cluster.Alive.All(n => n.Dht.Status is { IsSettled: true, Missing.Count: 0 }), 180);
        Assert.All(Enumerable.Range(0, 100), at => Assert.Equal("v", cluster.Value($"name {at}", newcomer)));
    }
}
