using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

public class ClusterTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(8)]
    [InlineData(20)]
    public void Put_is_found_from_every_node(int count)
    {
        DhtCluster cluster = DhtCluster.Of(count);
        PutReceipt receipt = cluster.Put("tea", "green").Receipt!;
        Assert.True(receipt.Holders.Count >= (Math.Min(5, count) / 2) + 1);
        Assert.Equal(5, receipt.ReplicasAsked);
        Assert.Equal(cluster.RootOf(receipt.Key).Id, receipt.Holders[0]);
        foreach (DhtClusterNode node in cluster.Alive)
        {
            GetResult got = cluster.Get("tea", node);
            Assert.Equal((GetOutcome.Found, false, 1), (got.Outcome, got.IsDegraded, got.ReplicasAsked));
            Assert.Equal("green", cluster.Value("tea", node));
        }
    }

    [Fact]
    public void Put_reaches_all_replicas()
    {
        DhtCluster cluster = DhtCluster.Of(8);
        PutReceipt receipt = cluster.Put("tea", "green").Receipt!;
        cluster.RunUntil(() => cluster.CopiesOf(receipt.Key, receipt.Version) == 5, 1);
    }

    [Fact]
    public void Absent_key_costs_no_read_and_no_question()
    {
        DhtCluster cluster = DhtCluster.Of(8);
        cluster.Get("nothing"); // asks for leases
        int reads = cluster.Alive.Sum(n => n.Reads);
        int requests = cluster.Alive.Sum(n => n.Requests);
        Assert.Equal(GetOutcome.Absent, cluster.Get("nothing").Outcome);
        Assert.Equal(reads, cluster.Alive.Sum(n => n.Reads));
        Assert.Equal(requests + 1, cluster.Alive.Sum(n => n.Requests));
    }

    [Fact]
    public void Delete_leaves_a_tombstone_that_a_get_tells_apart()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        cluster.Put("tea", "green");
        cluster.Put("tea", "", with: p => p with { IsDelete = true, Value = default });
        Assert.Equal(GetOutcome.Deleted, cluster.Get("tea").Outcome);
        cluster.Put("tea", "black");
        Assert.Equal("black", cluster.Value("tea"));
    }

    [Fact]
    public void Half_of_eight_nodes_die_at_once_and_every_record_is_readable()
    {
        DhtCluster cluster = DhtCluster.Of(8, seed: 4);
        PutMany(cluster, 200);
        cluster.Run(1);
        DhtClusterNode[] dead = [.. cluster.Alive.Where((_, at) => at % 2 == 0)];
        foreach (DhtClusterNode node in dead)
        {
            cluster.Kill(node);
        }

        ReadMany(cluster, 200);
        cluster.RunUntil(() => IsFullyReplicated(cluster, 200, 4), 10);

        DhtClusterNode[] others = [.. cluster.Alive];
        foreach (DhtClusterNode node in dead)
        {
            cluster.Revive(node);
        }

        cluster.RunUntil(() => IsFullyReplicated(cluster, 200, 5), 10);
        foreach (DhtClusterNode node in others)
        {
            cluster.Kill(node);
        }

        ReadMany(cluster, 200);
    }

    [Fact]
    public void All_nodes_restart_and_every_record_is_readable()
    {
        DhtCluster cluster = DhtCluster.Of(8, seed: 5);
        PutMany(cluster, 100);
        cluster.Run(2);
        DhtClusterNode[] all = [.. cluster.Alive];
        foreach (DhtClusterNode node in all)
        {
            cluster.Kill(node);
        }

        cluster.Run(1);
        foreach (DhtClusterNode node in all)
        {
            cluster.Revive(node);
        }

        ReadMany(cluster, 100);
        cluster.RunUntil(() => cluster.Alive.All(n => n.Dht.Status.IsSettled), 10);
        Assert.Equal(GetOutcome.Absent, cluster.Get("nothing").Outcome);
    }

    [Fact]
    public void Node_left_alone_by_a_crash_says_unreachable_and_acknowledges_no_quorum()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        cluster.Put("tea", "green");
        cluster.Run(2);
        DhtClusterNode last = cluster.Alive.Last();
        foreach (DhtClusterNode node in cluster.Alive.Where(n => n != last).ToArray())
        {
            cluster.Kill(node);
        }

        cluster.Run(1);
        GetResult got = cluster.Get("tea", last);
        Assert.Equal((GetOutcome.Found, true), (got.Outcome, got.IsDegraded));
        Assert.Equal(GetOutcome.Unreachable, cluster.Get("nothing", last).Outcome);
        Assert.Equal(DhtError.NotEnoughReplicas, cluster.Put("milk", "oat", last).Failure!.Error);
        Assert.NotNull(
            cluster.Put("milk", "oat", last, p => p with { Acks = AckLevel.One, CopiesMin = 1 }).Receipt);

        // The same after it was restarted, since it remembers who was there.
        cluster.Kill(last);
        cluster.Revive(last);
        Assert.Equal(GetOutcome.Unreachable, cluster.Get("nothing", last).Outcome);
        Assert.Equal(DhtError.NotEnoughReplicas, cluster.Put("bread", "rye", last).Failure!.Error);

        // They are the majority, and may go on elsewhere: it never takes itself for the whole ring.
        cluster.Run(7000);
        Assert.Equal(GetOutcome.Unreachable, cluster.Get("nothing", last).Outcome);
        Assert.Null(cluster.Put("bread", "rye", last).Receipt);
        Assert.NotEmpty(last.Dht.Status.Missing);
    }

    [Fact]
    public void Newcomer_takes_over_its_arc_with_all_records()
    {
        DhtCluster cluster = DhtCluster.Of(1);
        PutMany(cluster, 300);
        for (int at = 0; at < 7; at++)
        {
            cluster.Add();
        }

        ReadMany(cluster, 300);
        cluster.RunUntil(() => IsFullyReplicated(cluster, 300, 5), 10);
    }

    [Fact]
    public void Records_that_belong_to_others_are_handed_off()
    {
        DhtCluster cluster = DhtCluster.Of(1, seed: 9);
        PutMany(cluster, 300);
        for (int at = 0; at < 9; at++)
        {
            cluster.Add();
        }

        cluster.RunUntil(() => Enumerable.Range(0, 300).All(at => CopiesOf(cluster, at) == 5), 400);
        ReadMany(cluster, 300);
    }

    [Fact]
    public void Records_of_roots_out_of_sight_are_handed_off_too()
    {
        DhtCluster cluster = DhtCluster.Of(1, seed: 9);
        PutMany(cluster, 60);
        for (int at = 0; at < 30; at++)
        {
            cluster.Add();
        }

        cluster.RunUntil(() => Enumerable.Range(0, 60).All(at => CopiesOf(cluster, at) == 5), 600);
        ReadMany(cluster, 60);
    }

    [Fact]
    public void Nodes_die_one_by_one_and_no_record_is_lost()
    {
        DhtCluster cluster = DhtCluster.Of(12, seed: 3);
        PutMany(cluster, 100);
        for (int at = 0; at < 7; at++)
        {
            cluster.Run(5);
            cluster.Kill(cluster.Alive.ElementAt(at % cluster.Alive.Count()));
        }

        ReadMany(cluster, 100);
    }

    [Fact]
    public void Replica_that_was_cut_off_gets_the_newer_version_later()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        PutReceipt first = cluster.Put("tea", "green").Receipt!;
        DhtClusterNode root = cluster.RootOf(first.Key);
        DhtClusterNode cut = cluster.Alive.First(n => n != root);
        cluster.Run(1);
        cluster.Cut(root.Id, cut.Id);
        PutReceipt second = cluster.Put("tea", "black", root).Receipt!;
        cluster.Run(4);
        Assert.Equal(4, cluster.CopiesOf(second.Key, second.Version));
        cluster.Heal();
        cluster.RunUntil(() => cluster.CopiesOf(second.Key, second.Version) == 5, 30);
    }

    [Fact]
    public void Writer_with_a_slow_clock_wins_in_the_end()
    {
        DhtCluster cluster = DhtCluster.Of(3);
        RecordVersion first = cluster.Put("tea", "green", cluster.Alive.First()).Receipt!.Version;
        cluster.Alive.Last().ClockOffsetMs = -3_600_000;
        RecordVersion second = cluster.Put("tea", "black", cluster.Alive.Last()).Receipt!.Version;
        Assert.True(second > first);
        Assert.Equal("black", cluster.Value("tea"));
    }

    [Fact]
    public void Disk_that_fails_is_named_and_nothing_is_acknowledged()
    {
        DhtCluster cluster = DhtCluster.Of(1);
        cluster.Alive.Single().WriteOutcome = StoreOutcome.Failed;
        Assert.Equal(DhtError.Local, cluster.Put("tea", "green").Failure!.Error);
        cluster.Alive.Single().WriteOutcome = StoreOutcome.OverQuota;
        Assert.Equal(DhtError.Refused, cluster.Put("tea", "green").Failure!.Error);
    }

    [Fact]
    public void Damaged_record_of_the_root_is_read_from_a_replica_and_restored()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        PutReceipt receipt = cluster.Put("tea", "green").Receipt!;
        cluster.Run(1);
        cluster.RootOf(receipt.Key).Disk.Remove(receipt.Key);
        Assert.Equal("green", cluster.Value("tea"));
        cluster.RunUntil(() => cluster.CopiesOf(receipt.Key, receipt.Version) == 5, 5);
    }

    [Fact]
    public void Damaged_record_that_the_store_reports_comes_back_from_the_replicas()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        PutReceipt receipt = cluster.Put("tea", "green").Receipt!;
        cluster.Run(1);
        DhtClusterNode root = cluster.RootOf(receipt.Key);
        root.Damage(receipt.Key);
        cluster.RunUntil(() => cluster.CopiesOf(receipt.Key, receipt.Version) == 5, 5);
        cluster.RunUntil(() => root.Dht.Status.IsSettled, 5);
        DhtClusterNode replica = cluster.Alive.First(n => n != root);
        replica.Damage(receipt.Key);
        cluster.RunUntil(() => cluster.CopiesOf(receipt.Key, receipt.Version) == 5, 40);
    }

    [Fact]
    public void Record_that_is_damaged_everywhere_is_not_called_absent()
    {
        DhtCluster cluster = DhtCluster.Of(1);
        Key key = cluster.Put("tea", "green").Receipt!.Key;
        cluster.Alive.Single().Disk.Remove(key);
        Assert.Equal(GetOutcome.Unreachable, cluster.Get("tea", seconds: 1).Outcome);
        Assert.Equal(GetOutcome.Unreachable, cluster.Get("tea", seconds: 1).Outcome);
        Restart(cluster);
        Assert.Equal(GetOutcome.Unreachable, cluster.Get("tea", seconds: 1).Outcome);
        cluster.Put("tea", "black");
        Assert.Equal("black", cluster.Value("tea"));
        Restart(cluster);
        Assert.Equal("black", cluster.Value("tea"));
    }

    [Fact]
    public void Quorum_read_asks_a_majority()
    {
        DhtCluster cluster = DhtCluster.Of(8);
        cluster.Put("tea", "green");
        cluster.Run(1);
        GetResult got = cluster.Get(DhtKey.ForValue("tea"), consistency: GetConsistency.Quorum).Got!;
        Assert.Equal((GetOutcome.Found, false), (got.Outcome, got.IsDegraded));
        Assert.True(got.ReplicasAnswered >= 3);
    }

    [Fact]
    public void Immutable_record_keeps_the_longer_life_and_cannot_be_deleted()
    {
        DhtCluster cluster = DhtCluster.Of(3);
        byte[] content = "a page"u8.ToArray();
        Key key = DhtKey.ForImmutable(content);
        DhtPut Immutable(DhtPut put) => ImmutablePut(put, content);
        Assert.NotNull(cluster.Put("page", "", with: Immutable).Receipt);
        PutReceipt shorter = cluster.Put(
            "page", "", with: p => Immutable(p) with { TimeToLive = TimeSpan.FromHours(1) }).Receipt!;
        Assert.Equal(ulong.MaxValue, shorter.Version.Clock);
        Assert.Equal(0, cluster.Get(key, type: ImmutableRecordType.TypeName).Got!.ExpiresAtUnixMs);
        Assert.Equal(
            DhtError.Refused,
            cluster.Put("page", "", with: p => Immutable(p) with { IsDelete = true }).Failure!.Error);
    }

    [Fact]
    public void Value_record_neither_takes_the_place_of_an_immutable_one_nor_holds_it()
    {
        DhtCluster cluster = DhtCluster.Of(3);
        byte[] content = "a page"u8.ToArray();
        Key key = DhtKey.ForImmutable(content);
        DhtPut Squatter(DhtPut put) => put with { Key = key };
        DhtPut Immutable(DhtPut put) =>
            ImmutablePut(put, content) with { TimeToLive = TimeSpan.FromHours(1) };

        Assert.NotNull(cluster.Put("page", "forged", with: Squatter).Receipt);
        Assert.Equal(
            GetOutcome.Unreachable,
            cluster.Get(key, seconds: 1, type: ImmutableRecordType.TypeName).Got!.Outcome);
        Assert.NotNull(cluster.Put("page", "", with: Immutable).Receipt);
        Assert.Equal(DhtError.Refused, cluster.Put("page", "forged", with: Squatter).Failure!.Error);
        GetResult got = cluster.Get(key, type: ImmutableRecordType.TypeName).Got!;
        Assert.Equal(content, got.Value.ToArray());
    }

    [Fact]
    public void Replica_gives_no_word_on_a_write_under_way_when_a_nearer_root_asks()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        Key key = DhtKey.ForValue("tea");
        DhtClusterNode[] near = cluster.NearestTo(key);
        DhtClusterNode replica = near[2];
        cluster.Kill(near[0]);
        cluster.Run(1);
        cluster.Revive(near[0]);
        cluster.RunUntil(() => replica.Dht.Status.Neighbours.Contains(near[0].Id));
        Record record = RecordCodec.Encode(
            new RecordHeader { Key = key, Type = "value", Version = new RecordVersion(1, 1) }, [1]);
        var buffer = new PayloadBuffer();
        ReplicaMessages.WriteStore(buffer, isCoordinated: true, [record]);
        StoredEntry[] entries = [];
        replica.Deliver(replica.Id, near[1].Id, buffer.Written.ToArray(), answer =>
        {
            var reader = new MessagePack.MessagePackReader(answer);
            Assert.Equal(MessageKind.Stored, CommonMessages.ReadKind(ref reader));
            entries = ReplicaMessages.ReadStored(ref reader);
        });
        new SyncMessage(0, Arc.Whole, Fingerprint.Empty, IsAsRoot: true).Write(buffer);
        replica.Deliver(replica.Id, near[0].Id, buffer.Written.ToArray(), _ => { });
        cluster.RunUntil(() => entries.Length > 0, 1);
        Assert.True(Assert.Single(entries).IsApart);
        Assert.Equal(record.Header, replica.Disk[key].Header);
    }

    private static void Restart(DhtCluster cluster)
    {
        cluster.Run(2);
        DhtClusterNode node = cluster.Alive.Single();
        cluster.Kill(node);
        cluster.Revive(node);
    }

    private static DhtPut ImmutablePut(DhtPut put, byte[] content) => put with
    {
        Key = DhtKey.ForImmutable(content),
        Type = ImmutableRecordType.TypeName,
        Value = content,
    };

    private static void PutMany(DhtCluster cluster, int count) => Assert.All(
        Enumerable.Range(0, count),
        at => Assert.NotNull(cluster.Put($"name {at}", $"value {at}", Via(cluster, at)).Receipt));

    private static void ReadMany(DhtCluster cluster, int count) => Assert.All(
        Enumerable.Range(0, count),
        at => Assert.Equal($"value {at}", cluster.Value($"name {at}", Via(cluster, at))));

    private static DhtClusterNode Via(DhtCluster cluster, int at) =>
        cluster.Alive.ElementAt(at % cluster.Alive.Count());

    private static int CopiesOf(DhtCluster cluster, int at) =>
        cluster.Alive.Count(n => n.Disk.ContainsKey(DhtKey.ForValue($"name {at}")));

    private static bool IsFullyReplicated(DhtCluster cluster, int count, int copies) =>
        Enumerable.Range(0, count).All(at =>
        {
            Key key = DhtKey.ForValue($"name {at}");
            return cluster.Alive.OrderBy(n => n.Id, Comparer<Key>.Create(key.CompareNearness)).Take(copies)
                .All(n => n.Disk.ContainsKey(key));
        });
}
