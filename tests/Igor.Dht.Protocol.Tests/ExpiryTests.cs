using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;

namespace Igor.Dht.Protocol.Tests;

public class ExpiryTests
{
    [Fact]
    public void Record_past_its_life_is_expired_and_later_forgotten()
    {
        DhtCluster cluster = DhtCluster.Of(1);
        cluster.Put("tea", "green", with: Short);
        cluster.Run(6);
        Assert.Equal(GetOutcome.Expired, cluster.Get("tea").Outcome);
        cluster.Run(6 * 24 * 3600);
        Assert.Equal(GetOutcome.Expired, cluster.Get("tea").Outcome);
        cluster.Run(2 * 24 * 3600);
        Assert.Equal(GetOutcome.Absent, cluster.Get("tea").Outcome);
        Assert.All(cluster.Alive, n => Assert.Empty(n.Disk));
    }

    [Fact]
    public void Ended_record_that_can_hide_nothing_is_forgotten_early()
    {
        DhtCluster cluster = DhtCluster.Of(1);
        cluster.Put("page", "", with: put => Short(put) with
        {
            Key = DhtKey.ForImmutable(put.Value.Span),
            Type = ImmutableRecordType.TypeName,
        });
        cluster.Run(6);
        Assert.Single(cluster.Alive.Single().Disk);
        cluster.Run(2 * 3600);
        Assert.Empty(cluster.Alive.Single().Disk);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Older_version_does_not_come_back_from_a_node_that_was_away_when_the_newer_one_ended(
        bool isRootAway)
    {
        DhtCluster cluster = DhtCluster.Of(5);
        PutReceipt first = cluster.Put("tea", "green").Receipt!;
        cluster.RunUntil(() => cluster.CopiesOf(first.Key, first.Version) == 5);
        DhtClusterNode away = cluster.Alive.First(n => n == cluster.RootOf(first.Key) == isRootAway);
        cluster.Kill(away);
        PutReceipt second = cluster.Put("tea", "black", with: Short).Receipt!;
        cluster.Run(2 * 3600);
        cluster.Revive(away);
        cluster.Run(60);
        Assert.Equal(GetOutcome.Expired, cluster.Get("tea").Outcome);
        Assert.Equal(5, cluster.CopiesOf(second.Key, second.Version));
    }

    private static DhtPut Short(DhtPut put) => put with { TimeToLive = TimeSpan.FromSeconds(5) };
}
