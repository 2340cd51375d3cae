using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>Members that are given up on somebody's word.</summary>
public class ForgettingTests
{
    private static readonly Key s_tea = DhtKey.ForValue("tea");

    [Fact]
    public void Majority_that_is_dead_counts_until_it_is_forgotten()
    {
        DhtCluster cluster = DhtCluster.Of(8);
        Assert.False(cluster.Put("tea", "green").Receipt!.IsDegraded);
        cluster.Run(1);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        foreach (DhtClusterNode dead in near[..3])
        {
            cluster.Kill(dead);
        }

        cluster.Run(7000);
        Assert.True(cluster.Put("tea", "black").Receipt!.IsDegraded);
        Assert.True(cluster.Get("tea").IsDegraded);
        foreach (DhtClusterNode dead in near[..3])
        {
            ForgetResult survey = cluster.Forget(dead.Id, isMeant: false);
            Assert.Equal((false, true, 0), (survey.IsThere, survey.IsMissed, survey.Told));
            ForgetResult result = cluster.Forget(dead.Id);
            Assert.Equal((5, 5), (result.Told, result.Asked));
            Assert.Equal(survey.RecordsInDoubt, result.RecordsInDoubt);
        }

        cluster.RunUntil(
            () => cluster.Alive.All(node => node.Dht.Status is { IsSettled: true, IsReplicated: true }));
        cluster.Run(1);
        Assert.Empty(cluster.Alive.SelectMany(node => node.Dht.Status.Missing));
        Assert.False(cluster.Get("tea").IsDegraded);
        Assert.False(cluster.Put("tea", "white").Receipt!.IsDegraded);
        Assert.Equal(GetOutcome.Absent, cluster.Get("nothing").Outcome);
    }

    [Fact]
    public void What_may_be_lost_is_told_first()
    {
        DhtCluster cluster = DhtCluster.Of(8);
        cluster.Put("tea", "green");
        cluster.Run(1);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        cluster.Kill(near[1]);
        cluster.Run(1);
        ForgetResult one = cluster.Forget(near[1].Id, isMeant: false);
        Assert.Equal((1, 1, 0), (one.Missing, one.Records, one.RecordsInDoubt));
        cluster.Kill(near[2]);
        cluster.Kill(near[3]);
        cluster.Run(1);
        ForgetResult three = cluster.Forget(near[1].Id, isMeant: false);
        Assert.Equal((3, 1, 1), (three.Missing, three.Records, three.RecordsInDoubt));
    }

    [Fact]
    public void Member_that_is_there_is_not_forgotten()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        Key there = cluster.NearestTo(s_tea)[0].Id;
        Assert.True(cluster.Forget(there).IsThere);
        cluster.Run(1);
        Assert.All(cluster.Alive.Where(node => node.Id != there), node =>
            Assert.Contains(there, node.Dht.Status.Neighbours));
    }
}
