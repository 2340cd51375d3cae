using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Replication;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>Members, and others in their name, that do not keep to the protocol.</summary>
public class HostilePeerTests
{
    private static readonly SyncStanding s_standing = new(1 << Neighbourhood.Replicas, 1);
    private static readonly Key s_tea = DhtKey.ForValue("tea");

    public static TheoryData<string> KindsBetweenReplicas =>
    [
        "Store", "Fetch", "Sync", "SyncDone", "Describe", "FewCopies", "Members", "Leaving", "Draining",
    ];

    [Theory]
    [MemberData(nameof(KindsBetweenReplicas))]
    public void Messages_between_replicas_are_taken_from_members_over_their_own_connection_only(string kind)
    {
        DhtCluster cluster = DhtCluster.Of(5);
        cluster.Put("tea", "green");
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        long before = near[0].Dht.Status.RefusedMessages;
        (Key Source, bool IsProven)[] strangers =
            [(Key.HashOf("a stranger"), true), (near[1].Id, false), (near[0].Id, true)];
        foreach ((Key source, bool isProven) in strangers)
        {
            byte[] answer = Ask(near[0], source, MessageOf(kind), isProven);
            Assert.Equal(MessageKind.Refused, KindOf(answer));
        }

        Assert.Equal(before + 3, near[0].Dht.Status.RefusedMessages);
        Assert.NotEqual(MessageKind.Refused, KindOf(Ask(near[0], near[1].Id, MessageOf(kind), true)));
        Assert.Equal(before + 3, near[0].Dht.Status.RefusedMessages);
    }

    [Fact]
    public void Invented_ids_stop_no_write()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        Key[] names = [.. Enumerable.Range(0, 60).Select(at => DhtKey.ForValue($"name {at}"))];
        foreach (DhtClusterNode node in cluster.Alive)
        {
            foreach (Key nearer in names)
            {
                Ask(node, nearer, Sync(Arc.Whole), isProven: false);
                Ask(node, nearer, Sync(Arc.Whole), isProven: true);
            }
        }

        for (int at = 0; at < names.Length; at++)
        {
            Assert.NotNull(cluster.Put(
                $"name {at}", "value", with: p => p with { Timeout = TimeSpan.FromSeconds(1) }).Receipt);
        }
    }

    [Fact]
    public void Word_of_a_replica_is_that_of_a_member_while_it_is_one()
    {
        var context = new ReplicaContext(Key.Zero, DhtNodeOptions.Default, null!, new RecordTable(), 1);
        Key member = new(0, 0, 0, 2);
        context.Membership.HandleUpdate(
            TimeSpan.Zero,
            new NeighbourChange(new NeighbourSet(Key.Zero, true, [member], [member], 1), [member], []));
        var allegiance = new Allegiance(context);
        Assert.NotEqual(0ul, allegiance.TermFor(member, Arc.Whole));
        Assert.False(allegiance.TryServe(Key.Max, member));
        context.Membership.HandleUpdate(
            TimeSpan.Zero,
            new NeighbourChange(
                NeighbourSet.Alone(Key.Zero, true), [], [new Departure(member, DepartureReason.Failed)]));
        allegiance.HandleUpdate();
        Assert.True(allegiance.TryServe(Key.Max, member));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Record_from_the_future_is_refused_whoever_stores_it(bool isTombstone)
    {
        DhtCluster cluster = DhtCluster.Of(5);
        cluster.Put("tea", "green");
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        Record poison = Poison(isTombstone);
        var buffer = new PayloadBuffer();
        ReplicaMessages.WriteStore(buffer, isCoordinated: false, [poison]);
        byte[] store = buffer.Written.ToArray();
        foreach (DhtClusterNode node in near)
        {
            DhtClusterNode other = near.First(n => n != node);
            Assert.Equal(StoredStatus.Refused, Stored(Ask(node, other.Id, store, isProven: true)).Status);
            Assert.Equal(1, node.Dht.Status.RefusedRecords);
        }

        new PutMessage(AckLevel.One, TimeSpan.FromSeconds(1), poison.Encoded, 0, []).Write(buffer);
        Assert.Equal(
            MessageKind.Refused,
            KindOf(Ask(near[0], Key.HashOf("a stranger"), buffer.Written.ToArray(), isProven: false)));
        cluster.Run(40);
        Assert.Equal("green", cluster.Value("tea"));
        Assert.NotNull(cluster.Put("tea", "black").Receipt);
    }

    [Fact]
    public void Record_from_the_future_is_not_taken_from_an_answer_either()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        cluster.Put("tea", "green");
        cluster.Run(1);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        Record poison = Poison(isTombstone: false);
        near[1].Forge = request => KindOf(request) switch
        {
            MessageKind.Fetch => Fetched(poison),
            MessageKind.Sync => Items(new HeldVersion(s_tea, poison.Header.Version, poison.Digest)),
            _ => null,
        };
        GetResult got = cluster.Get(s_tea, near[0], consistency: GetConsistency.Quorum).Got!;
        Assert.Equal("green", System.Text.Encoding.UTF8.GetString(got.Value.Span));
        near[0].Damage(s_tea);
        cluster.Run(100);
        Assert.DoesNotContain(
            cluster.Alive, n => n.Disk.TryGetValue(s_tea, out Record? held) && held.Header == poison.Header);
        near[1].Forge = null;
        Assert.NotNull(cluster.Put("tea", "black", near[2]).Receipt);
    }

    [Fact]
    public void Replica_that_claims_a_version_from_the_future_ends_no_writes()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode[] near = cluster.NearestTo(s_tea);
        var buffer = new PayloadBuffer();
        ReplicaMessages.WriteStored(
            buffer, [new StoredEntry(StoredStatus.Newer, new RecordVersion((1UL << 63) - 1, 1))]);
        byte[] newer = buffer.Written.ToArray();
        near[1].Forge = request => KindOf(request) == MessageKind.Store ? newer : null;
        PutReceipt receipt = cluster.Put("tea", "green", near[0], p => p with { CopiesMin = 4 }).Receipt!;
        Assert.DoesNotContain(near[1].Id, receipt.Holders);
        Assert.True(receipt.Version.Clock >> 16 < DhtCluster.EpochUnixMs * 2);
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
            node.Forge = request =>
                KindOf(request) == MessageKind.Sync ? Differences(random) : null;
        }

        cluster.Run(120);
        honest.Damage(s_tea);
        cluster.RunUntil(() => honest.Disk.ContainsKey(s_tea), 400);
    }

    private static byte[] Sync(Arc arc)
    {
        var buffer = new PayloadBuffer();
        new SyncMessage(0, arc, Fingerprint.Empty, IsAsRoot: true).Write(buffer);
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

        SyncMessages.WriteChildren(buffer, s_standing, children);
        return buffer.Written.ToArray();
    }

    private static byte[] Ask(DhtClusterNode node, Key source, byte[] message, bool isProven)
    {
        byte[]? answer = null;
        node.Deliver(node.Id, source, message, reply => answer = reply, isProven);
        node.Cluster.RunUntil(() => answer is not null, 5);
        return answer!;
    }

    private static byte[] MessageOf(string kind)
    {
        var buffer = new PayloadBuffer();
        switch (kind)
        {
            case "Store":
                ReplicaMessages.WriteStore(buffer, isCoordinated: true, []);
                break;
            case "Fetch":
                ReplicaMessages.WriteFetch(
                    buffer, isAsRoot: true, [new KeyVersion(s_tea, RecordVersion.None)]);
                break;
            case "Sync":
                return Sync(Arc.Whole);
            case "SyncDone":
                SyncMessages.WriteDone(buffer, [Arc.Whole]);
                break;
            case "FewCopies":
                CommonMessages.WriteFewCopies(buffer, s_tea, 1);
                break;
            case "Members":
                CommonMessages.WriteMembers(buffer);
                break;
            case "Leaving":
                CommonMessages.WriteLeaving(buffer, isAgreed: false);
                break;
            case "Draining":
                DrainMessage.WriteDraining(buffer, isDraining: false);
                break;
            default:
                SyncMessages.WriteDescribe(buffer, s_tea);
                break;
        }

        return buffer.Written.ToArray();
    }

    private static Record Poison(bool isTombstone) => RecordCodec.Encode(
        new RecordHeader
        {
            Key = s_tea,
            Type = ValueRecordType.TypeName,
            Version = new RecordVersion(
                isTombstone ? (ulong)DhtCluster.EpochUnixMs << 16 : (1UL << 63) - 1, ulong.MaxValue),
            ExpiresAtUnixMs = isTombstone ? 1L << 62 : 0,
            IsTombstone = isTombstone,
        },
        isTombstone ? [] : "owned"u8);

    private static byte[] Fetched(Record record)
    {
        var buffer = new PayloadBuffer();
        ReplicaMessages.WriteFetched(
            buffer, [new FetchedEntry(FetchedStatus.Record, 5, false, record.Encoded)]);
        return buffer.Written.ToArray();
    }

    private static byte[] Items(HeldVersion item)
    {
        var buffer = new PayloadBuffer();
        SyncMessages.WriteItems(buffer, s_standing, [item]);
        return buffer.Written.ToArray();
    }

    private static StoredEntry Stored(byte[] answer)
    {
        var reader = new MessagePack.MessagePackReader(answer);
        Assert.Equal(MessageKind.Stored, CommonMessages.ReadKind(ref reader));
        return Assert.Single(ReplicaMessages.ReadStored(ref reader));
    }

    private static MessageKind KindOf(byte[] payload)
    {
        var reader = new MessagePack.MessagePackReader(payload);
        return CommonMessages.ReadKind(ref reader);
    }
}
