using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.OnDisk;
using Igor.Kbr;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>What every record store does, whatever it keeps its records in.</summary>
public abstract class RecordStoreContract
{
    private static readonly RecordStoreOptions Defaults =
        new() { SweepPeriod = TimeSpan.FromMilliseconds(50) };

    [Fact]
    public async Task Write_new_record_is_read_back_byte_for_byte()
    {
        await using IRecordStore store = Open(Defaults);
        Record record = RecordOf("a", "first value");

        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(record));

        Record? read = await store.ReadAsync("a");
        Assert.Equal(record.Encoded.ToArray(), read!.Encoded.ToArray());
        Assert.Equal(record.Header, read.Header);
        Assert.Equal(1, store.Status.Records);
        Assert.Equal(record.Encoded.Length, store.Status.LiveBytes);
    }

    [Fact]
    public async Task Read_unknown_key_finds_nothing_on_the_callers_thread()
    {
        await using IRecordStore store = Open(Defaults);
        bool isAnswered = false;

        store.Read(Key.HashOf("nobody"), record => isAnswered = record is null);

        Assert.True(isAnswered);
    }

    [Fact]
    public async Task Read_recent_record_completes_on_the_callers_thread()
    {
        await using IRecordStore store = Open(Defaults);
        await store.WriteAsync(RecordOf("a", "hot"));
        string? read = null;

        store.Read(Key.HashOf("a"), record => read = TextOf(record));

        Assert.Equal("hot", read);
    }

    [Fact]
    public async Task Write_older_or_same_version_is_superseded()
    {
        await using IRecordStore store = Open(Defaults);
        await store.WriteAsync(RecordOf("a", "two", clock: 2));

        Assert.Equal(StoreOutcome.Superseded, await store.WriteAsync(RecordOf("a", "one", clock: 1)));
        Assert.Equal(StoreOutcome.Superseded, await store.WriteAsync(RecordOf("a", "again", clock: 2)));
        Assert.Equal("two", TextOf(await store.ReadAsync("a")));
        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("a", "three", clock: 3)));
        Assert.Equal("three", TextOf(await store.ReadAsync("a")));
        Assert.Equal(1, store.Status.Records);
    }

    [Fact]
    public async Task Write_versions_at_once_keeps_the_newest()
    {
        await using IRecordStore store = Open(Defaults);
        ulong[] clocks = [5, 3, 9, 1, 9, 4, 8, 2, 7, 6];

        StoreOutcome[] outcomes = await Task.WhenAll(
            clocks.Select(clock => store.WriteAsync(RecordOf("a", $"v{clock}", clock))));

        Assert.All(
            outcomes, outcome => Assert.True(outcome is StoreOutcome.Durable or StoreOutcome.Superseded));
        Assert.Equal("v9", TextOf(await store.ReadAsync("a")));
        Assert.Equal(1, store.Status.Records);
    }

    [Fact]
    public async Task Tombstone_is_stored_and_read_as_such()
    {
        await using IRecordStore store = Open(Defaults);
        await store.WriteAsync(RecordOf("a", "value"));

        await store.WriteAsync(RecordOf("a", "", clock: 2, isTombstone: true));

        Assert.True((await store.ReadAsync("a"))!.Header.IsTombstone);
        Assert.True(store.Headers(Arc.Whole).Single().IsTombstone);
    }

    [Fact]
    public async Task Remove_forgets_versions_up_to_the_given_one()
    {
        await using IRecordStore store = Open(Defaults);
        Key key = Key.HashOf("a");
        await store.WriteAsync(RecordOf("a", "two", clock: 2));

        Assert.Equal(StoreOutcome.Superseded, await store.RemoveAsync(key, clock: 1));
        Assert.Equal("two", TextOf(await store.ReadAsync("a")));
        Assert.Equal(StoreOutcome.Durable, await store.RemoveAsync(key, clock: 2));
        Assert.Null(await store.ReadAsync("a"));
        Assert.Equal(StoreOutcome.Durable, await store.RemoveAsync(key, clock: 2));
        Assert.Equal(0, store.Status.Records);
        Assert.Equal(0, store.Status.LiveBytes);
        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("a", "back", clock: 1)));
        Assert.Equal("back", TextOf(await store.ReadAsync("a")));
    }

    [Fact]
    public async Task Headers_lists_an_arc_clockwise_from_its_start()
    {
        await using IRecordStore store = Open(Defaults);
        Record[] records = [.. Enumerable.Range(0, 700).Select(i => RecordOf($"key {i}", $"value {i}"))];
        await Task.WhenAll(records.Select(store.WriteAsync));
        Key[] ring = [.. records.Select(record => record.Header.Key).Order()];

        Assert.Equal(ring, store.Headers(Arc.Whole).Select(header => header.Key));
        Assert.Equal(ring[100..300], KeysIn(store, new Arc(ring[100], ring[300])));
        Assert.Equal([.. ring[600..], .. ring[..50]], KeysIn(store, new Arc(ring[600], ring[50])));
        Assert.Equal([.. ring[600..], .. ring[..600]], KeysIn(store, new Arc(ring[600], ring[600])));
        Assert.Equal(ring[650..], KeysIn(store, new Arc(ring[650], Key.Zero)));
        Assert.Empty(KeysIn(store, new Arc(ring[5] + new Key(0, 0, 0, 1), ring[6])));
    }

    [Fact]
    public async Task Replace_puts_an_older_version_in_the_place_of_the_one_named_and_of_no_other()
    {
        await using IRecordStore store = Open(Defaults);
        await store.WriteAsync(RecordOf("a", "from the future", clock: 900));

        var other = new RecordVersion(800, RecordOf("a", string.Empty).Header.Version.Writer);
        Assert.Equal(
            StoreOutcome.Superseded, await store.ReplaceAsync(RecordOf("a", "no", clock: 2), other));
        Assert.Equal("from the future", TextOf(await store.ReadAsync("a")));

        RecordVersion held = (await store.ReadAsync("a"))!.Header.Version;
        Assert.Equal(
            StoreOutcome.Durable, await store.ReplaceAsync(RecordOf("a", "honest", clock: 2), held));
        Assert.Equal("honest", TextOf(await store.ReadAsync("a")));
        Assert.Equal(1, store.Status.Records);
        Assert.Equal(RecordOf("a", "honest", clock: 2).Encoded.Length, store.Status.LiveBytes);

        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("a", "later", clock: 3)));
        Assert.Equal(StoreOutcome.Superseded, await store.WriteAsync(RecordOf("a", "old", clock: 1)));
        Assert.Equal("later", TextOf(await store.ReadAsync("a")));
    }

    [Fact]
    public async Task Replace_puts_other_bytes_in_the_place_of_the_same_version()
    {
        Record other = RecordOf("a", "other", clock: 2);
        await using (IRecordStore store = Open(Defaults))
        {
            await store.WriteAsync(RecordOf("a", "first", clock: 2));
            Assert.Equal(StoreOutcome.Superseded, await store.WriteAsync(other));
            Assert.Equal(StoreOutcome.Durable, await store.ReplaceAsync(other, other.Header.Version));
            Assert.Equal("other", TextOf(await store.ReadAsync("a")));
            Assert.True(store.Index.TryGet(other.Header.Key, out Holding holding));
            Assert.Equal(other.Digest, holding.Digest);
            Assert.Equal(1, store.Status.Records);
        }

        await using IRecordStore again = Open(Defaults);
        if (again.Index.TryGet(other.Header.Key, out Holding kept)) // one in memory keeps nothing
        {
            Assert.Equal(other.Digest, kept.Digest);
            Assert.Equal("other", TextOf(await again.ReadAsync("a")));
        }
    }

    [Fact]
    public async Task Expired_record_stays_readable_for_the_retention_and_goes_then()
    {
        var clock = new TestClock();
        await using IRecordStore store = Open(
            Defaults with
            {
                Time = () => clock.Time,
                SweepPeriod = TimeSpan.FromMilliseconds(20),
                ExpiredRetention = TimeSpan.FromHours(1),
            });
        await store.WriteAsync(RecordOf("short", "ends soon", expiresAt: clock.NowMs + 60_000));
        await store.WriteAsync(RecordOf("prolonged", "first", expiresAt: clock.NowMs + 60_000));
        await store.WriteAsync(
            RecordOf("prolonged", "second", clock: 2, expiresAt: clock.NowMs + 6 * 3_600_000));
        await store.WriteAsync(RecordOf("for ever", "stays"));

        clock.Now += TimeSpan.FromMinutes(30);
        Assert.Equal("ends soon", TextOf(await store.ReadAsync("short")));

        clock.IsTrusted = false;
        clock.Now += TimeSpan.FromDays(10_000);
        await store.WriteAsync(RecordOf("for ever", "stays", clock: 2));
        Assert.Equal("ends soon", TextOf(await store.ReadAsync("short")));

        clock.Now -= TimeSpan.FromDays(10_000) - TimeSpan.FromMinutes(60);
        clock.IsTrusted = true;
        await Eventually.HoldsAsync(() => store.Status.Records == 2, "the expired record is swept");
        Assert.Null(await store.ReadAsync("short"));
        Assert.Equal("second", TextOf(await store.ReadAsync("prolonged")));
        Assert.Equal("stays", TextOf(await store.ReadAsync("for ever")));
    }

    [Fact]
    public async Task Total_quota_refuses_growth_but_not_replacement()
    {
        await using IRecordStore store = Open(Defaults with { QuotaBytes = 10_000 });
        string large = new('x', 4000);
        await store.WriteAsync(RecordOf("a", large));
        await store.WriteAsync(RecordOf("b", large));

        Assert.Equal(StoreOutcome.OverQuota, await store.WriteAsync(RecordOf("c", large)));
        Assert.Null(await store.ReadAsync("c"));
        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("a", large, clock: 2)));
        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("b", "small", clock: 2)));
        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("c", large)));
    }

    [Fact]
    public async Task Quota_holds_for_writes_at_once()
    {
        await using IRecordStore store = Open(Defaults with { QuotaBytes = 10_000 });
        string value = new('x', 850);

        StoreOutcome[] outcomes = await Task.WhenAll(
            Enumerable.Range(0, 50).Select(i => store.WriteAsync(RecordOf($"key {i}", value))));

        Assert.Contains(StoreOutcome.OverQuota, outcomes);
        Assert.Equal(store.Status.Records, outcomes.Count(outcome => outcome == StoreOutcome.Durable));
        Assert.InRange(store.Status.LiveBytes, 9_000, 10_000);
    }

    [Fact]
    public async Task Owner_quota_counts_each_owner_alone()
    {
        await using IRecordStore store = Open(Defaults with { OwnerQuotaBytes = 5_000 });
        Key alice = Key.HashOf("alice");
        Key bob = Key.HashOf("bob");
        string value = new('x', 2000);

        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("a1", value, owner: alice)));
        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("a2", value, owner: alice)));
        Assert.Equal(StoreOutcome.OverQuota, await store.WriteAsync(RecordOf("a3", value, owner: alice)));
        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("b1", value, owner: bob)));
        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("nobody's", value)));
        Assert.Equal(StoreOutcome.Durable, await store.RemoveAsync(Key.HashOf("a1"), clock: 1));
        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("a3", value, owner: alice)));
    }

    [Fact]
    public async Task Note_is_read_back_at_once_and_replaced()
    {
        await using IRecordStore store = Open(Defaults);

        Assert.Null(store.ReadNote("settled arc"));
        store.WriteNote("settled arc", [1, 2, 3]);
        Assert.Equal([1, 2, 3], store.ReadNote("settled arc"));
        store.WriteNote("settled arc", [4]);
        Assert.Equal([4], store.ReadNote("settled arc"));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.WriteNote("large", new byte[65_537]));
    }

    internal abstract IRecordStore Open(RecordStoreOptions options);

    private static IEnumerable<Key> KeysIn(IRecordStore store, Arc arc) =>
        store.Headers(arc).Select(header => header.Key);
}

/// <summary>The contract in memory.</summary>
public sealed class InMemoryRecordStoreTests : RecordStoreContract
{
    internal override IRecordStore Open(RecordStoreOptions options) => StoreTesting.InMemory(options);
}

/// <summary>The contract on disk.</summary>
public sealed class LiteDbRecordStoreTests : RecordStoreContract, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    internal override IRecordStore Open(RecordStoreOptions options) =>
        LiteDbRecordStore.Open(options with { Folder = _folder.Path });
}

/// <summary>The contract on disk when everything is read from the index and the segments.</summary>
public sealed class ColdLiteDbRecordStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Read_after_reopening_serves_every_record()
    {
        var options = new RecordStoreOptions
        {
            Folder = _folder.Path,
            CacheBytes = 0,
        };
        Record[] records = [.. Enumerable.Range(0, 3000).Select(i => RecordOf($"key {i}", $"value {i}"))];
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(options))
        {
            await Task.WhenAll(records.Select(store.WriteAsync));
            store.WriteNote("n", [9]);
        }

        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(options))
        {
            Assert.Null(store.Status.Rebuilt);
            Assert.Null(store.Status.Trouble);
            Assert.Equal(3000, store.Status.Records);
            Assert.Equal([9], store.ReadNote("n"));
            foreach (Record record in records)
            {
                Record? read = await store.ReadAsync(record.Header.Key);
                Assert.Equal(record.Encoded.ToArray(), read!.Encoded.ToArray());
            }

            Assert.Equal(StoreOutcome.Superseded, await store.WriteAsync(records[17]));
            Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("key 17", "newer", clock: 2)));
            Assert.Null(await store.ReadAsync("never written"));
        }
    }
}
