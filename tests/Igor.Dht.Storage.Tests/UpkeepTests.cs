using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.OnDisk;
using Igor.Kbr;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>Compaction, backup, restore, and who may open what.</summary>
public sealed class UpkeepTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RecordStoreOptions _options;

    public UpkeepTests() => _options = new RecordStoreOptions
    {
        Folder = _folder.Combine("store"),
        SegmentBytesMax = 128 * 1024,
        CacheBytes = 0,
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Write_beyond_the_queue_is_busy_and_no_trouble_of_the_disk()
    {
        await using var store = LiteDbRecordStore.Open(
            new RecordStoreOptions { Folder = _folder.Combine("busy"), QueueBytesMax = 4096 });

        Assert.Equal(StoreOutcome.Busy, await store.WriteAsync(RecordOf("large", new string('x', 8192))));

        Assert.Null(store.Status.Trouble);
        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("small", "x")));
    }

    [Fact]
    public async Task Keys_beyond_the_memory_of_the_index_are_refused_and_others_are_served()
    {
        RecordStoreOptions options =
            _options with { IndexBytes = 112 * 1000, Folder = _folder.Combine("small") };
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(options);
        StoreOutcome[] outcomes = await Task.WhenAll(
            Enumerable.Range(0, 1200).Select(i => store.WriteAsync(RecordOf($"key {i}", "x"))));

        Assert.Equal(1000, outcomes.Count(outcome => outcome == StoreOutcome.Durable));
        Assert.All(outcomes[1000..], outcome => Assert.Equal(StoreOutcome.OverQuota, outcome));
        Assert.Equal(1000, store.Status.Records);
        Assert.Contains("IndexBytes", store.Status.Trouble, StringComparison.Ordinal);

        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("key 1", "new", clock: 2)));
        await store.RemoveAsync(Key.HashOf("key 2"), clock: 1);
        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("key 1100", "x")));
        Assert.Null(store.Status.Trouble);
    }

    [Fact]
    public async Task Compaction_while_writing_frees_space_and_loses_nothing()
    {
        const int Keys = 300;
        const int Rounds = 30;
        string filler = new('f', 800);
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(_options))
        {
            for (ulong round = 1; round <= Rounds; round++)
            {
                Task<StoreOutcome>[] writes = [.. Enumerable.Range(0, Keys)
                    .Where(i => i % 10 != 0 || round == 1)
                    .Select(i => store.WriteAsync(RecordOf($"key {i}", $"{i} at {round} {filler}", round)))];
                foreach (int i in round > 1 ? (int[])[0, 7, 155, 299] : [])
                {
                    Assert.StartsWith(
                        $"{i} at ", TextOf(await store.ReadAsync($"key {i}")), StringComparison.Ordinal);
                }

                StoreOutcome[] outcomes = await Task.WhenAll(writes);
                Assert.All(outcomes, outcome => Assert.Equal(StoreOutcome.Durable, outcome));
            }

            // 270 kB are alive of the 7 MB that were written.
            await Eventually.HoldsAsync(() => SegmentBytes() < 1_500_000, "the space is freed");
            await Verify(store);
        }

        Directory.Delete(Path.Combine(_options.Folder, "hints"), recursive: true);
        await using (LiteDbRecordStore rebuilt = LiteDbRecordStore.Open(_options))
        {
            Assert.Null(rebuilt.Status.Trouble);
            await Verify(rebuilt);
        }

        async Task Verify(LiteDbRecordStore store)
        {
            Assert.Equal(Keys, store.Status.Records);
            for (int i = 0; i < Keys; i++)
            {
                int round = i % 10 == 0 ? 1 : Rounds;
                Assert.Equal($"{i} at {round} {filler}", TextOf(await store.ReadAsync($"key {i}")));
            }
        }
    }

    [Fact]
    public async Task Removed_records_stay_removed_through_compaction_and_rebuild()
    {
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(_options))
        {
            string filler = new('f', 900);
            await Task.WhenAll(
                Enumerable.Range(0, 1000).Select(i => store.WriteAsync(RecordOf($"key {i}", filler))));
            long before = SegmentBytes();
            await Task.WhenAll(
                Enumerable.Range(0, 990).Select(i => store.RemoveAsync(Key.HashOf($"key {i}"), 1)));
            await Eventually.HoldsAsync(() => SegmentBytes() < before / 2, "the space is freed");
        }

        Directory.Delete(Path.Combine(_options.Folder, "hints"), recursive: true);
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(_options))
        {
            Assert.Equal(10, store.Status.Records);
            Assert.Null(await store.ReadAsync("key 5"));
            Assert.NotNull(await store.ReadAsync("key 995"));
        }
    }

    [Fact]
    public async Task Backup_of_a_busy_store_restores_to_what_was_there()
    {
        Record[] records = [.. Enumerable.Range(0, 500).Select(i => RecordOf($"key {i}", $"value {i}"))];
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(_options))
        {
            await Task.WhenAll(records.Select(store.WriteAsync));
            store.WriteNote("n", [5]);
            Task<StoreOutcome>[] more =
                [.. Enumerable.Range(0, 500).Select(i => store.WriteAsync(RecordOf($"more {i}", "m")))];
            await store.BackupAsync(_folder.Combine("backup"));
            await Task.WhenAll(more);
            Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("after", "later")));
            await Assert.ThrowsAsync<RecordStoreException>(
                () => store.BackupAsync(_folder.Combine("backup")));
        }

        RecordStoreOptions elsewhere = _options with { Folder = _folder.Combine("restored") };
        await LiteDbRecordStore.RestoreAsync(_folder.Combine("backup"), elsewhere);

        await using (LiteDbRecordStore restored = LiteDbRecordStore.Open(elsewhere))
        {
            Assert.Null(restored.Status.Trouble);
            Assert.Equal([5], restored.ReadNote("n"));
            Assert.Null(await restored.ReadAsync("after"));
            foreach (Record record in records)
            {
                Record? read = await restored.ReadAsync(record.Header.Key);
                Assert.Equal(record.Encoded.ToArray(), read!.Encoded.ToArray());
            }

            await Assert.ThrowsAsync<RecordStoreException>(
                () => LiteDbRecordStore.RestoreAsync(_folder.Combine("backup"), elsewhere));
        }
    }

    [Fact]
    public async Task Backup_that_is_damaged_is_not_restored()
    {
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(_options))
        {
            await store.WriteAsync(RecordOf("a", "value"));
            await store.BackupAsync(_folder.Combine("backup"));
        }

        string segment = Directory.GetFiles(_folder.Combine("backup"), "*.seg").Single();
        byte[] bytes = await File.ReadAllBytesAsync(segment);
        bytes[^30] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes);

        RecordStoreException e = await Assert.ThrowsAsync<RecordStoreException>(
            () => LiteDbRecordStore.RestoreAsync(
                _folder.Combine("backup"), _options with { Folder = _folder.Combine("restored") }));
        Assert.Contains("damaged", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Folder_that_is_open_cannot_be_opened_again()
    {
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(_options))
        {
            RecordStoreException e = Assert.Throws<RecordStoreException>(
                () => LiteDbRecordStore.Open(_options));
            Assert.Contains(_options.Folder, e.Message, StringComparison.Ordinal);
            Assert.Contains("another process", e.Message, StringComparison.Ordinal);
        }

        await using LiteDbRecordStore again = LiteDbRecordStore.Open(_options);
        Assert.Null(again.Status.Trouble);
    }

    [Fact]
    public void Open_where_a_file_is_in_the_way_says_so()
    {
        File.WriteAllText(_options.Folder, "not a folder");

        RecordStoreException e = Assert.Throws<RecordStoreException>(() => LiteDbRecordStore.Open(_options));

        Assert.Contains(_options.Folder, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_out_of_range_are_named()
    {
        ArgumentException e = Assert.Throws<ArgumentException>(
            () => LiteDbRecordStore.Open(_options with { SegmentBytesMax = 12 }));
        Assert.Contains("SegmentBytesMax is 12", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Format_of_a_newer_program_is_refused()
    {
        await LiteDbRecordStore.Open(_options).DisposeAsync();
        await File.WriteAllTextAsync(
            Path.Combine(_options.Folder, "store.json"), "{\"Format\":2,\"BootId\":\"x\",\"IsClosed\":true}");

        RecordStoreException e = Assert.Throws<RecordStoreException>(() => LiteDbRecordStore.Open(_options));

        Assert.Contains("newer", e.Message, StringComparison.Ordinal);
    }

    private long SegmentBytes() =>
        Directory.GetFiles(Path.Combine(_options.Folder, "segments"))
            .Sum(path => new FileInfo(path) is { Exists: true } file ? file.Length : 0);
}
