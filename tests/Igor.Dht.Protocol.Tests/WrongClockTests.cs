using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests;

/// <summary>What a wrong clock must not do, while it is wrong and afterwards.</summary>
public class WrongClockTests
{
    private const long Day = 86_400_000;
    private const long Year = 365 * Day;

    [Theory]
    [InlineData(59, true)]
    [InlineData(61, false)]
    [InlineData(86_400, false)]
    [InlineData(4_000_000_000, false)]
    public void Every_node_refuses_a_version_over_a_minute_ahead(long seconds, bool isTaken)
    {
        DhtCluster cluster = DhtCluster.Of(3);
        Record record = RecordAt(cluster, "tea", "green", seconds * 1000);
        foreach (DhtClusterNode node in cluster.Alive)
        {
            var store = new PayloadBuffer();
            ReplicaMessages.WriteStore(store, isCoordinated: false, [record]);
            node.Deliver(node.Id, cluster.Alive.First(n => n != node).Id, store.Written.ToArray(), _ => { });
            cluster.Run(0.01);
            Assert.Equal(isTaken, node.Disk.ContainsKey(record.Header.Key));
        }
    }

    [Fact]
    public void Version_bound_is_an_option()
    {
        var options = new DhtNodeOptions { VersionAheadMax = TimeSpan.FromHours(2) };
        var cluster = new DhtCluster(1) { Options = options };
        cluster.Add();
        cluster.Run(1);
        DhtClusterNode writer = cluster.Alive.First();
        writer.ClockOffsetMs = 0;
        Record record = RecordAt(cluster, "tea", "green", 3_600_000);
        byte[] put = PutOf(record);
        writer.Deliver(record.Header.Key, writer.Id, put, _ => { });
        cluster.Run(1);
        Assert.True(writer.Disk.ContainsKey(record.Header.Key));
        Assert.Throws<ArgumentException>(
            () => new DhtNodeOptions { VersionAheadMax = TimeSpan.Zero }.Validate());
    }

    [Theory]
    [InlineData(2 * 60_000)]
    [InlineData(Day)]
    [InlineData(10 * Year)]
    public void Key_that_was_frozen_by_a_version_from_the_future_is_written_deleted_and_stays_so(long aheadMs)
    {
        DhtCluster cluster = DhtCluster.Of(5);
        Record[] frozen =
            [.. Enumerable.Range(0, 10).Select(n => RecordAt(cluster, $"k{n}", "old", aheadMs))];
        Plant(cluster, cluster.Alive, frozen);
        for (int n = 0; n < 10; n++)
        {
            Assert.Equal("old", cluster.Value($"k{n}"));
            Assert.NotNull(cluster.Put($"k{n}", "new", cluster.Alive.ElementAt(n % 5)).Receipt);
            Assert.Equal("new", cluster.Value($"k{n}", cluster.Alive.Last()));
        }

        Assert.NotNull(cluster.Put("k0", string.Empty, with: put => put with { IsDelete = true }).Receipt);
        Assert.Equal(GetOutcome.Deleted, cluster.Get("k0").Outcome);
        cluster.Run(120);
        foreach (DhtClusterNode node in cluster.Alive)
        {
            node.ClockOffsetMs = aheadMs + Day; // its time has come
        }

        cluster.Run(120);
        GetOutcome outcome = cluster.Get("k0").Outcome;
        Assert.True(outcome is GetOutcome.Deleted or GetOutcome.Absent); // a tombstone ends as well
        Assert.All(Enumerable.Range(1, 9), n => Assert.Equal("new", cluster.Value($"k{n}")));
    }

    [Fact]
    public void Records_that_a_founder_with_a_wrong_clock_made_are_kept_by_all_once_it_knows_the_time()
    {
        DhtCluster cluster = DhtCluster.Of(1);
        DhtClusterNode founder = cluster.Alive.Single();
        (founder.ClockOffsetMs, founder.IsTimeTrusted) = (Year, false);
        for (int n = 0; n < 20; n++)
        {
            cluster.Put($"k{n}", "first");
            cluster.Put($"k{n}", "second");
        }

        for (int n = 0; n < 4; n++)
        {
            cluster.Add();
        }

        (founder.ClockOffsetMs, founder.IsTimeTrusted) = (0, true);
        Assert.Equal("second", cluster.Value("k0"));
        cluster.RunUntil(
            () => cluster.Alive.All(
                n => n.Disk.Count == 20 && n.Dht.Status is { IsSettled: true, IsReplicated: true }),
            180);
        cluster.Put("k1", "third", cluster.Alive.Last());
        foreach (DhtClusterNode node in cluster.Alive)
        {
            node.ClockOffsetMs = 2 * Year;
        }

        cluster.Run(60);
        Assert.Equal("second", cluster.Value("k0"));
        Assert.Equal("third", cluster.Value("k1"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Records_of_a_founder_with_a_wrong_clock_are_called_absent_by_nobody(bool isCorrectedAtOnce)
    {
        for (int seed = 1; seed <= 10; seed++)
        {
            var cluster = new DhtCluster(seed);
            DhtClusterNode founder = cluster.Add();
            cluster.Run(1);
            (founder.ClockOffsetMs, founder.IsTimeTrusted) = (Year, false);
            Assert.All(Enumerable.Range(0, 12), n => Assert.NotNull(cluster.Put($"k{n}", "first").Receipt));
            for (int n = 0; n < 4; n++)
            {
                cluster.Add();
                cluster.Run(0.1 * seed);
            }

            cluster.Run(isCorrectedAtOnce ? 0 : 2);
            (founder.ClockOffsetMs, founder.IsTimeTrusted) = (0, true);
            for (int round = 0; round < 30; round++)
            {
                DhtClusterNode reader = cluster.Alive.ElementAt(round % 5);
                Assert.All(
                    Enumerable.Range(0, 12),
                    n => Assert.NotEqual(GetOutcome.Absent, cluster.Get($"k{n}", reader).Outcome));
                cluster.Run(0.05);
            }

            cluster.RunUntil(() => founder.Dht.Status.IsReplicated, 180);
            cluster.Kill(founder);
            cluster.Run(0.5);
            Assert.All(
                Enumerable.Range(0, 12),
                n => Assert.NotEqual(GetOutcome.Absent, cluster.Get($"k{n}").Outcome));
        }
    }

    [Fact]
    public void Members_get_no_vote_on_what_their_root_refused()
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            var cluster = new DhtCluster(seed);
            DhtClusterNode holder = cluster.Add();
            cluster.Run(1);
            Assert.All(Enumerable.Range(0, 12), n => Assert.NotNull(cluster.Put($"k{n}", "first").Receipt));
            for (int n = 0; n < 4; n++)
            {
                DhtClusterNode behind = cluster.Add();
                (behind.ClockOffsetMs, behind.IsTimeTrusted) = (-240_000, false);
            }

            cluster.Run(20);
            Assert.All(
                cluster.Alive.Where(reader => reader != holder).SelectMany(
                    _ => Enumerable.Range(0, 12), (reader, n) => cluster.Get($"k{n}", reader).Outcome),
                outcome => Assert.NotEqual(GetOutcome.Absent, outcome));
        }
    }

    [Fact]
    public void Version_from_the_future_that_one_replica_has_gives_way_to_what_the_others_have()
    {
        DhtCluster cluster = DhtCluster.Of(5);
        Assert.All(Enumerable.Range(0, 10), n => Assert.NotNull(cluster.Put($"k{n}", "honest").Receipt));
        cluster.Run(40);
        DhtClusterNode wrong = cluster.Alive.ElementAt(2);
        Record[] bad = [.. Enumerable.Range(0, 10).Select(n => RecordAt(cluster, $"k{n}", "bad", Day))];
        Plant(cluster, [wrong], bad);
        cluster.RunUntil(
            () => Enumerable.Range(0, 10).All(n => cluster.Alive.All(
                node => TextOf(node, $"k{n}") == "honest")),
            120);
    }

    [Fact]
    public void Node_whose_time_is_not_trusted_forgets_nothing_and_changes_no_version()
    {
        DhtCluster cluster = DhtCluster.Of(1);
        DhtClusterNode node = cluster.Alive.Single();
        cluster.Put("tea", "green", with: put => put with { TimeToLive = TimeSpan.FromHours(1) });
        cluster.Put("mud", "brown");
        Key[] keys = [.. node.Disk.Keys];
        RecordVersion[] versions = [.. node.Disk.Values.Select(record => record.Header.Version)];
        foreach (long offset in new[] { 10 * Year, -DhtCluster.EpochUnixMs })
        {
            (node.ClockOffsetMs, node.IsTimeTrusted) = (offset, false);
            cluster.Run(3600);
        }

        Assert.Equal(keys, node.Disk.Keys);
        Assert.Equal(versions, node.Disk.Values.Select(record => record.Header.Version));
        node.ClockOffsetMs = -2 * 3_600_000;
        Assert.Equal("green", cluster.Value("tea"));
    }

    [Theory]
    [InlineData(Day)]
    [InlineData(10 * Year)]
    [InlineData(-Day)]
    [InlineData(-DhtCluster.EpochUnixMs)]
    public void Writer_without_a_trusted_time_takes_that_of_the_root(long offset)
    {
        DhtCluster cluster = DhtCluster.Of(5);
        DhtClusterNode writer = cluster.Alive.First(n => n != cluster.RootOf(DhtKey.ForValue("tea")));
        Assert.NotNull(cluster.Put("tea", "green").Receipt);
        (writer.ClockOffsetMs, writer.IsTimeTrusted) = (offset, false);
        long before = cluster.Time.UnixMs;
        OperationResult put = cluster.Put(
            "tea", "black", writer, with: p => p with { TimeToLive = TimeSpan.FromHours(1) });
        Assert.NotNull(put.Receipt);
        (writer.ClockOffsetMs, writer.IsTimeTrusted) = (0, true);
        GetResult got = cluster.Get("tea");
        Assert.Equal(GetOutcome.Found, got.Outcome);
        Assert.InRange(got.ExpiresAtUnixMs - before, 3_599_000, 3_660_000);
        Assert.InRange(VersionTime.UnixMsOf(got.Version) - before, -60_000, 60_000);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Root_whose_clock_is_behind_does_not_speak_alone_of_what_it_refused(bool holdsOlder)
    {
        DhtCluster cluster = DhtCluster.Of(2);
        DhtClusterNode first = cluster.Alive.First();
        string[] names = [.. Enumerable.Range(0, 24).Select(n => $"k{n}")];
        if (holdsOlder)
        {
            Assert.All(names, name => Assert.NotNull(cluster.Put(name, "old", first).Receipt));
        }

        DhtClusterNode behind = cluster.Add();
        cluster.RunUntil(() => behind.Dht.Status is { IsSettled: true, IsReplicated: true });
        cluster.Kill(behind);
        cluster.Run(DhtNodeOptions.Default.MissingRetention.TotalSeconds + 1);
        Assert.All(names, name => Assert.NotNull(cluster.Put(name, "new", first).Receipt));
        (behind.ClockOffsetMs, behind.IsTimeTrusted) = (-240_000, false);
        cluster.Revive(behind);
        cluster.RunUntil(() => behind.Dht.Status.IsSettled);
        Assert.Contains(names, name => cluster.RootOf(DhtKey.ForValue(name)) == behind);
        Assert.All(names, name => Assert.Equal("new", cluster.Value(name, behind)));

        // With the right time it takes them, and asks nobody any more.
        (behind.ClockOffsetMs, behind.IsTimeTrusted) = (0, true);
        cluster.RunUntil(() => names.All(name => TextOf(behind, name) == "new"), 120);
        Key own = names.Select(name => DhtKey.ForValue(name)).First(key => cluster.RootOf(key) == behind);
        cluster.RunUntil(() => behind.Dht.Status is { IsSettled: true, IsReplicated: true });
        cluster.Get(own, behind);
        Assert.Equal(1, cluster.Get(own, behind).Got!.ReplicasAsked);
    }

    [Fact]
    public void Refused_put_names_the_clock_as_the_cause()
    {
        DhtCluster cluster = DhtCluster.Of(3);
        DhtClusterNode writer = cluster.Alive.First(n => n != cluster.RootOf(DhtKey.ForValue("tea")));
        writer.ClockOffsetMs = Day;
        DhtFailure failure = cluster.Put("tea", "green", writer).Failure!;
        Assert.Equal(DhtError.Refused, failure.Error);
        Assert.Contains("ahead of the network's time", failure.Message, StringComparison.Ordinal);
        Assert.Contains("check the clock", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fingerprint_counts_again_what_had_ended_by_a_wrong_clock()
    {
        var index = new RecordTable();
        for (ulong n = 1; n <= 3; n++)
        {
            index.Put(new Holding(
                new Key(n, 0, 0, 0), new RecordVersion(1, 1), (long)n * 100, 0, 5, false, "value"));
        }

        Fingerprint all = index.FingerprintOf(Arc.Whole, 0, 50);
        Assert.Equal(3, all.Count);
        Assert.Equal(1, index.FingerprintOf(Arc.Whole, 0, 250).Count);
        Assert.Equal(1, index.FingerprintOf(Arc.Whole, 0, 200).Count);
        Assert.Equal(2, index.FingerprintOf(Arc.Whole, 0, 199).Count);
        Assert.Equal(all, index.FingerprintOf(Arc.Whole, 0, 99));
    }

    private static Record RecordAt(DhtCluster cluster, string name, string value, long aheadMs) =>
        RecordCodec.Encode(
            new RecordHeader
            {
                Key = DhtKey.ForValue(name),
                Type = ValueRecordType.TypeName,
                Version = new RecordVersion(
                    (ulong)(cluster.Time.UnixMs + aheadMs) << HybridClock.CounterBits, 99),
            },
            System.Text.Encoding.UTF8.GetBytes(value));

    private static byte[] PutOf(Record record)
    {
        var put = new PayloadBuffer();
        new PutMessage(AckLevel.Quorum, TimeSpan.FromSeconds(1), record.Encoded, CopiesMin: 0, []).Write(put);
        return put.Written.ToArray();
    }

    /// <summary>Puts records on the disks of nodes, past all judgement.</summary>
    private static void Plant(DhtCluster cluster, IEnumerable<DhtClusterNode> nodes, Record[] records)
    {
        foreach (DhtClusterNode node in nodes.ToArray())
        {
            cluster.Kill(node);
            foreach (Record record in records)
            {
                node.Disk[record.Header.Key] = record;
            }

            cluster.Revive(node);
        }

        cluster.Run(1);
    }

    private static string TextOf(DhtClusterNode node, string name) =>
        node.Disk.TryGetValue(DhtKey.ForValue(name), out Record? record)
            ? System.Text.Encoding.UTF8.GetString(RecordCodec.ValueOf(record).Span)
            : string.Empty;
}
