using Igor.Dht.Protocol.Machines;

namespace Igor.Dht.Protocol.Tests;

/// <summary>Nodes that were away for longer than tombstones live.</summary>
public class AbsenceTests
{
    private const int Days = 24 * 3600;

    [Theory]
    [InlineData(0, 1200)]
    [InlineData(3, 1200)]
    [InlineData(0, 5)] // and it has not noted since that it is there
    [InlineData(3, 5)]
    public void Deleted_record_does_not_come_back_with_a_node_that_was_away_for_long(int rank, int seconds)
    {
        DhtCluster cluster = Settled(6);
        cluster.Run(60);
        PutReceipt tea = cluster.Put("tea", "green").Receipt!;
        Assert.NotNull(cluster.Put("kept", "v").Receipt);
        cluster.Run(seconds);
        DhtClusterNode away = cluster.NearestTo(tea.Key)[rank];
        cluster.Kill(away);
        Assert.NotNull(cluster.Put("tea", string.Empty, with: p => p with { IsDelete = true }).Receipt);
        cluster.Run((7 * Days) + (3 * 3600));
        Assert.Equal(GetOutcome.Absent, cluster.Get("tea").Outcome);
        Assert.True(away.Disk.ContainsKey(tea.Key));
        cluster.Revive(away);
        for (int at = 0; at < 100; at++)
        {
            cluster.Run(at < 50 ? 0.05 : 5);
            GetOutcome outcome = cluster.Get("tea", away).Outcome;
            Assert.True(outcome is GetOutcome.Absent or GetOutcome.Unreachable, $"{outcome} at {at}");
            Assert.Equal("v", cluster.Value("kept", away));
        }

        Assert.All(cluster.Alive, node => Assert.DoesNotContain(tea.Key, node.Disk.Keys));
        cluster.RunUntil(
            () => cluster.Alive.All(n => n.Dht.Status is { IsSettled: true, IsReplicated: true }));
    }

    [Fact]
    public void Nothing_is_dropped_when_all_were_away()
    {
        DhtCluster cluster = Settled(6);
        for (int at = 0; at < 50; at++)
        {
            Assert.NotNull(cluster.Put($"name {at}", "v").Receipt);
        }

        cluster.Run(1200);
        DhtClusterNode[] all = [.. cluster.Alive];
        Array.ForEach(all, node => cluster.Kill(node));
        cluster.Run(8 * Days);
        cluster.Add(); // which was never there
        Array.ForEach(all, cluster.Revive);
        cluster.Run(120);
        Assert.All(Enumerable.Range(0, 50), at => Assert.Equal("v", cluster.Value($"name {at}")));
    }

    private static DhtCluster Settled(int count)
    {
        var cluster = new DhtCluster(3)
        {
            Options = new DhtNodeOptions { SyncPeriod = TimeSpan.FromHours(1) },
        };
        for (int at = 0; at < count; at++)
        {
            cluster.Add();
        }

        cluster.RunUntil(
            () => cluster.Alive.All(n => n.Dht.Status is { IsSettled: true, IsReplicated: true }));
        return cluster;
    }
}
