using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Index;

/// <summary>What a node remembers of what exists and is not here.</summary>
public class LackedKeysTests
{
    private static readonly RecordVersion s_old = new(1, 1);
    private static readonly RecordVersion s_lost = new(2, 1);

    [Fact]
    public void More_than_are_remembered_make_every_key_doubtful()
    {
        var lacked = new LackedKeys(version => version);
        Fill(lacked, _ => false);
        Assert.False(lacked.HasForgotten);
        Assert.False(lacked.Contains(KeyOf(-1)));
        lacked.Add(KeyOf(-1), s_lost, 0, _ => false);
        Assert.True(lacked.HasForgotten);
        Assert.True(lacked.Contains(KeyOf(0)));
        Assert.True(lacked.Contains(KeyOf(-2)));
        Assert.Equal(LackedKeys.KeysMax, lacked.All.Count());
    }

    [Fact]
    public void Ended_ones_make_room_for_others()
    {
        var lacked = new LackedKeys(version => version);
        Fill(lacked, _ => false);
        lacked.Add(KeyOf(-1), s_lost, 0, lack => lack.ExpiresAtUnixMs is > 0 and <= 9);
        Assert.False(lacked.HasForgotten);
        Assert.False(lacked.Contains(KeyOf(3)));
        Assert.True(lacked.Contains(KeyOf(0)));
        Assert.True(lacked.Contains(KeyOf(-1)));
    }

    [Fact]
    public void Version_of_a_wrong_clock_is_made_good_by_one_of_the_right_time()
    {
        RecordVersion rank = s_lost;
        var lacked = new LackedKeys(_ => rank);
        lacked.Add(KeyOf(0), s_lost, 0, _ => false);
        Assert.False(lacked.Mend(KeyOf(0), s_old));
        rank = RecordVersion.None;
        Assert.True(lacked.Mend(KeyOf(0), s_old));
        Assert.False(lacked.Contains(KeyOf(0)));
    }

    [Fact]
    public void Node_that_lacks_more_than_it_remembers_is_troubled_and_calls_nothing_absent_alone()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode node = cluster.Alive.First();
        Key own = Enumerable.Range(0, 1000).Select(KeyOf).First(key => cluster.RootOf(key) == node);
        cluster.Get(own, node); // asks for leases
        Assert.Equal(1, cluster.Get(own, node).Got!.ReplicasAsked);
        for (int at = 1; at <= LackedKeys.KeysMax + 1; at++)
        {
            node.Damage(own + new Key(0, 0, 0, (ulong)at));
        }

        Assert.True(cluster.Get(own, node).Got!.ReplicasAsked > 1);
        Assert.Equal(TroubleKinds.Lacking, Assert.Single(node.Dht.Status.Troubles).Kind);
    }

    /// <summary>All that can be remembered; every second one ends at 1 to 9.</summary>
    private static void Fill(LackedKeys lacked, Func<LackedKeys.Lack, bool> hasEnded)
    {
        for (int at = 0; at < LackedKeys.KeysMax; at++)
        {
            lacked.Add(KeyOf(at), s_lost, at % 2 == 0 ? 0 : 1 + (at % 9), hasEnded);
        }
    }

    private static Key KeyOf(int at) => Key.HashOf($"lacked {at}");
}
