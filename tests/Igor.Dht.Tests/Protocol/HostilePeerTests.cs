using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Dht.Tests.Protocol;

/// <summary>Members, and others in their name, that do not keep to the protocol.</summary>
public class HostilePeerTests
{
    private static readonly Key s_tea = DhtKey.ForValue("tea");

    [Fact]
    public void Claim_of_a_node_that_is_no_member_does_not_stop_writes_for_long()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        foreach (DhtClusterNode node in cluster.Alive)
        {
            node.Deliver(node.Id, s_tea, Sync(Arc.Whole), _ => { });
        }

        cluster.Run(11);
        Assert.NotNull(
            cluster.Put("tea", "green", with: p => p with { Timeout = TimeSpan.FromSeconds(1) }).Receipt);
    }

    [Fact]
    public void Claims_of_nodes_that_are_no_members_are_bounded_and_the_newest_count()
    {
        var context = new DhtContext(Key.Zero, DhtNodeOptions.Default, null!, 1);
        var votes = new ReplicaVotes(context);
        votes.HandleSync(new Key(0, 0, 0, 2), Arc.Whole);
        for (ulong at = 0; at < 64; at++)
        {
            Assert.True(votes.IsTakenFrom(Key.Max, new Key(0, 0, 0, 2)));
            votes.HandleSync(new Key(1, 0, 0, at), new Arc(new Key(1, 0, 0, at), new Key(1, 0, 0, at + 1)));
        }

        Assert.False(votes.IsTakenFrom(Key.Max, new Key(0, 0, 0, 2)));
        Assert.True(votes.IsTakenFrom(Key.Max, new Key(1, 0, 0, 0)));
        Assert.True(votes.IsTakenFrom(Key.Max, new Key(1, 0, 0, 63)));
    }

    [Fact]
    public void Peers_that_tell_of_ever_new_differences_do_not_keep_others_from_being_repaired()
    {
        DhtCluster cluster = DhtCluster.Of(6, seed: 3);
        cluster.Put("tea", "green", with: p => p with { Replicas = 6 });
        cluster.Run(1);
        DhtClusterNode root = cluster.RootOf(s_tea);
        DhtClusterNode honest = cluster.Alive.First(n => n != root);
        var random = new Random(cluster.Seed);
        foreach (DhtClusterNode node in cluster.Alive.Where(n => n != root && n != honest))
        {
            node.Forge = request => IsSync(request) ? Differences(random) : null;
        }

        cluster.Run(120);
        honest.Damage(s_tea);
        cluster.RunUntil(() => honest.Disk.ContainsKey(s_tea), 400);
    }

    private static byte[] Sync(Arc arc)
    {
        var buffer = new PayloadBuffer();
        new SyncMessage(0, arc, Fingerprint.Empty).Write(buffer);
        return buffer.Written.ToArray();
    }

    private static byte[] Differences(Random random)
    {
        var buffer = new PayloadBuffer();
        var children = new Fingerprint[SyncMessage.Fanout];
        for (int at = 0; at < children.Length; at++)
        {
            children[at] = new Fingerprint(random.Next(), (UInt128)random.NextInt64());
        }

        SyncMessages.WriteChildren(buffer, 1 << Neighbourhood.Replicas, children);
        return buffer.Written.ToArray();
    }

    private static bool IsSync(byte[] payload)
    {
        var reader = new MessagePack.MessagePackReader(payload);
        return CommonMessages.ReadKind(ref reader) == MessageKind.Sync;
    }
}
