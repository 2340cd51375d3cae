
namespace Igor.Dht.Protocol.Tests;

public class DamageTests
{
    [Fact]
    public void Older_version_does_not_make_good_for_a_damaged_record()
    {
        DhtCluster cluster = DhtCluster.Of(3);
        PutReceipt first = cluster.Put("tea", "green").Receipt!;
        cluster.RunUntil(() => cluster.CopiesOf(first.Key, first.Version) == 3);
        DhtClusterNode root = cluster.RootOf(first.Key);
        DhtClusterNode stale = cluster.Alive.First(n => n != root);
        DhtClusterNode other = cluster.Alive.Last(n => n != root);
        cluster.Cut(root.Id, stale.Id);
        Assert.NotNull(cluster.Put("tea", "black", root).Receipt);
        cluster.Kill(other);
        root.Damage(first.Key);
        cluster.Heal();
        cluster.RunUntil(() => root.Disk.ContainsKey(first.Key), 30);
        cluster.Run(5);
        Assert.True(cluster.Get("tea", root).IsDegraded);

        cluster.Kill(root);
        cluster.Revive(root);
        cluster.Run(5);
        Assert.True(cluster.Get("tea", root).IsDegraded);

        cluster.Revive(other);
        cluster.Run(5);
        Assert.Equal("black", cluster.Value("tea", root));
        Assert.False(cluster.Get("tea", root).IsDegraded);
    }
}
