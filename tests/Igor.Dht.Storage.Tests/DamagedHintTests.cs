using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.OnDisk;
using Igor.Kbr;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>
/// An index that is cut, zeroed, garbled or gone is noticed and rebuilt; no record is lost by it.
/// </summary>
public sealed class DamagedIndexTests : IDisposable
{
    private const int RecordCount = 1500;

    private readonly TemporaryFolder _folder = new();
    private readonly RecordStoreOptions _options;

    public DamagedIndexTests() => _options = OptionsFor("store");

    public enum Harm
    {
        FlippedBytes,
        ZeroedBlock,
        RandomBlock,
        CutInHalf,
        CutByAByte,
        Emptied,
        Deleted,
    }

    public static TheoryData<Harm> Harms() => new(Enum.GetValues<Harm>());

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Harms))]
    public async Task Index_data_file_harmed_is_rebuilt(Harm harm)
    {
        Record[] records = await Fill();
        Hurt(Path.Combine(_options.Folder, "index", "index.db"), harm);

        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);

        await ExpectAll(store, records);
        await Eventually.HoldsAsync(() => store.Status.Rebuilt is not null, "it is rebuilt");
        await Eventually.HoldsAsync(() => store.Status.Trouble is null, "no trouble is left");
        Assert.Equal(0, store.Status.DamagedRecords);
        await ExpectAll(store, records);
    }

    [Theory]
    [MemberData(nameof(Harms))]
    public async Task Index_log_file_harmed_loses_nothing(Harm harm)
    {
        Record[] records = await FillAndLeaveOpen();
        string log = Path.Combine(_options.Folder, "index", "index-log.db");
        Assert.True(new FileInfo(log).Length > 10 * 8200, "the log holds something");
        Hurt(log, harm);

        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);

        await ExpectAll(store, records);
        await Eventually.HoldsAsync(() => store.Status.Trouble is null, "no trouble is left");
        Assert.Equal(0, store.Status.DamagedRecords);
    }

    [Fact]
    public async Task Index_harmed_while_the_store_runs_is_rebuilt()
    {
        Record[] records = await Fill();
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);
        Hurt(Path.Combine(_options.Folder, "index", "index.db"), Harm.RandomBlock);

        await ExpectAll(store, records);
        await Task.WhenAll(
            Enumerable.Range(0, 500).Select(i => store.WriteAsync(RecordOf($"later {i}", "x"))));

        await ExpectAll(store, records);
        Assert.Equal("x", TextOf(await store.ReadAsync("later 7")));
        Assert.Equal(RecordCount + 500, store.Headers(Arc.Whole).Count());
    }

    [Theory]
    [InlineData("{\"Format\":1,\"BootId\":\"another run\",\"IsClosed\":false}")]
    [InlineData("not json")]
    [InlineData(null)]
    public async Task Machine_that_ended_uncleanly_has_the_index_rebuilt(string? marker)
    {
        Record[] records = await Fill();
        string path = Path.Combine(_options.Folder, "store.json");
        if (marker is null)
        {
            File.Delete(path);
        }
        else
        {
            await File.WriteAllTextAsync(path, marker);
        }

        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);

        Assert.NotNull(store.Status.Rebuilt);
        Assert.Null(store.Status.Trouble);
        Assert.Equal([1, 2], store.ReadNote("note"));
        await ExpectAll(store, records);
    }

    [Fact]
    public async Task Process_that_died_has_its_last_records_replayed()
    {
        Record[] records = await FillAndLeaveOpen();

        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);

        Assert.Null(store.Status.Rebuilt);
        Assert.Equal([1, 2], store.ReadNote("note"));
        await ExpectAll(store, records);
    }

    [Fact]
    public async Task Rebuilt_store_counts_the_same_as_before()
    {
        await FillAndLeaveOpen();
        StoreStatus replayed;
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(_options))
        {
            await store.WriteAsync(RecordOf("key 3", "newer", clock: 900_000, owner: Key.HashOf("alice")));
            await store.RemoveAsync(Key.HashOf("key 4"), clock: 900_000);
            replayed = store.Status;
        }

        Directory.Delete(Path.Combine(_options.Folder, "index"), recursive: true);

        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(_options))
        {
            Assert.NotNull(store.Status.Rebuilt);
            Assert.Equal(
                (replayed.Records, replayed.LiveBytes), (store.Status.Records, store.Status.LiveBytes));
            Assert.Null(await store.ReadAsync("key 4"));
            Assert.Equal("newer", TextOf(await store.ReadAsync("key 3")));
        }
    }

    private RecordStoreOptions OptionsFor(string name) => new()
    {
        Folder = _folder.Combine(name),
        CacheBytes = 0,
        DirectoryBytes = 16 * 1024,
        IndexBatchRecords = 400,
        IndexPeriod = TimeSpan.FromMilliseconds(50),
    };

    private async Task<Record[]> Fill()
    {
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);
        return await WriteSome(store);
    }

    /// <summary>Copies the files of a store that runs: what a killed process leaves behind.</summary>
    private async Task<Record[]> FillAndLeaveOpen()
    {
        RecordStoreOptions living = OptionsFor("living") with
        {
            IndexPeriod = TimeSpan.FromHours(1),
            IndexBatchRecords = 50,
        };
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(living);
        List<Record> records = [.. await WriteSome(store)];
        string log = Path.Combine(living.Folder, "index", "index-log.db");
        for (int round = 0; !await HasSettled(log); round++)
        {
            // The log was brought home just now; a few more batches fill it again.
            Assert.InRange(round, 0, 50);
            records.AddRange(await WriteMore(store, $"round {round}", 50));
        }

        records.AddRange(await WriteMore(store, "not in the index yet", 20));
        foreach (string file in Directory.GetFiles(living.Folder, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(_options.Folder, Path.GetRelativePath(living.Folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            if (!file.EndsWith(".lock", StringComparison.Ordinal))
            {
                File.Copy(file, copy);
            }
        }

        return [.. records];
    }

    /// <summary>
    /// Waits until the index's log stays as it is; whether it holds something worth harming then.
    /// </summary>
    private static async Task<bool> HasSettled(string log)
    {
        (long Length, int Polls) still = default;
        await Eventually.HoldsAsync(
            () =>
            {
                long length = new FileInfo(log).Length;
                still = length == still.Length ? (length, still.Polls + 1) : (length, 0);
                return still.Polls > 50;
            },
            "the index settles");
        return still.Length > 10 * 8200;
    }

    private static async Task<Record[]> WriteMore(LiteDbRecordStore store, string name, int count)
    {
        Record[] records = [.. Enumerable.Range(0, count).Select(i => RecordOf($"{name} {i}", "more"))];
        await Task.WhenAll(records.Select(store.WriteAsync));
        return records;
    }

    private static async Task<Record[]> WriteSome(LiteDbRecordStore store)
    {
        store.WriteNote("note", [1, 2]);
        Record[] records = [.. Enumerable.Range(0, RecordCount)
            .Select(i => RecordOf($"key {i}", $"value {i} {new string('.', i % 97)}", clock: (ulong)i + 1))];
        foreach (Record[] some in records.Chunk(100))
        {
            await Task.WhenAll(some.Select(store.WriteAsync));
        }

        return records;
    }

    private static void Hurt(string path, Harm harm)
    {
        if (harm == Harm.Deleted)
        {
            File.Delete(path);
            return;
        }

        var random = new Random(3);
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        switch (harm)
        {
            case Harm.FlippedBytes:
                for (int i = 0; i < bytes.Length; i += 4096)
                {
                    bytes[i + random.Next(Math.Min(4096, bytes.Length - i))] ^= 0x04;
                }

                break;
            case Harm.ZeroedBlock:
                bytes.AsSpan(bytes.Length / 2, bytes.Length / 3).Clear();
                break;
            case Harm.RandomBlock:
                random.NextBytes(bytes.AsSpan(bytes.Length / 4, bytes.Length / 2));
                break;
            case Harm.CutInHalf:
                bytes = bytes[..(bytes.Length / 2)];
                break;
            case Harm.CutByAByte:
                bytes = bytes[..^1];
                break;
            case Harm.Emptied:
                bytes = [];
                break;
        }

        file.SetLength(bytes.Length);
        file.Position = 0;
        file.Write(bytes);
    }

    private static async Task ExpectAll(LiteDbRecordStore store, Record[] records)
    {
        foreach (Record record in records)
        {
            Record? read = await store.ReadAsync(record.Header.Key);
            Assert.True(read is not null, $"{record.Header.Key} is missing; {store.Status}");
            Assert.Equal(record.Encoded.ToArray(), read.Encoded.ToArray());
        }
    }
}
