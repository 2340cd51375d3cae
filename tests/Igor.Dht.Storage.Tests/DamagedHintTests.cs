using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Hints;
using Igor.Dht.Storage.OnDisk;
using Igor.Kbr;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>
/// A hint that is cut, zeroed, garbled, somebody else's or gone is noticed, its segment is read instead, and
/// it is written anew; no record is lost by it.
/// </summary>
public sealed class DamagedHintTests : IDisposable
{
    private const int RecordCount = 1500;

    private readonly TemporaryFolder _folder = new();
    private readonly RecordStoreOptions _options;

    public DamagedHintTests() => _options = new RecordStoreOptions
    {
        Folder = _folder.Combine("store"),
        SegmentBytesMax = 64 * 1024,
        CacheBytes = 0,
    };

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

    private string Hints => Path.Combine(_options.Folder, "hints");

    public static TheoryData<Harm> Harms() => new(Enum.GetValues<Harm>());

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Harms))]
    public async Task Hint_harmed_loses_nothing_and_is_written_anew(Harm harm)
    {
        Record[] records = await Fill();
        string hint = HintFile.PathOf(Hints, 2);
        byte[] before = await File.ReadAllBytesAsync(hint);
        Hurt(hint, harm);

        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(_options))
        {
            await ExpectAll(store, records);
            Assert.NotNull(store.Status.Rebuilt);
        }

        Assert.Equal(before, await File.ReadAllBytesAsync(hint));
        await using LiteDbRecordStore again = LiteDbRecordStore.Open(_options);
        Assert.Null(again.Status.Rebuilt);
    }

    [Fact]
    public async Task Hint_torn_at_any_length_loses_nothing()
    {
        Record[] records = await Fill();
        string hint = HintFile.PathOf(Hints, 1);
        byte[] whole = await File.ReadAllBytesAsync(hint);
        for (int length = 0; length < whole.Length; length += 997)
        {
            await File.WriteAllBytesAsync(hint, whole[..length]);

            await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);

            Assert.NotNull(store.Status.Rebuilt);
            Assert.Equal(records.Length, store.Status.Records);
            Assert.Null(store.Status.Trouble);
        }
    }

    [Fact]
    public async Task Hint_of_another_file_of_the_same_number_is_not_believed()
    {
        await Fill();
        RecordStoreOptions other = _options with { Folder = _folder.Combine("other") };
        Record[] records = [.. Enumerable.Range(0, RecordCount).Select(i => RecordOf($"other {i}", "x"))];
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(other))
        {
            await Task.WhenAll(records.Select(store.WriteAsync));
            await EventuallyHinted(store, other.Folder);
        }

        File.Copy(
            HintFile.PathOf(Hints, 1),
            HintFile.PathOf(Path.Combine(other.Folder, "hints"), 1),
            overwrite: true);

        await using LiteDbRecordStore again = LiteDbRecordStore.Open(other);
        await ExpectAll(again, records);
    }

    [Fact]
    public async Task Open_reads_hints_and_no_sealed_segment()
    {
        Record[] records = await Fill();
        string segment = SegmentFiles()[0];
        byte[] bytes = await File.ReadAllBytesAsync(segment);
        bytes.AsSpan(100).Clear();
        await File.WriteAllBytesAsync(segment, bytes);

        await using LiteDbRecordStore store = LiteDbRecordStore.Open(
            _options with { ScrubBytesPerSecond = 0 });

        Assert.Equal(records.Length, store.Status.Records);
        Assert.Equal(0, store.Status.DamagedRecords);
        Assert.Null(await store.ReadAsync("key 0"));
        Assert.Equal(1, store.Status.DamagedRecords);
    }

    [Fact]
    public async Task Process_that_died_has_its_last_records_read_and_nothing_else()
    {
        RecordStoreOptions living = _options with { Folder = _folder.Combine("living") };
        Record[] records;
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(living))
        {
            records = await WriteSome(store);
            await EventuallyHinted(store, living.Folder);
            Copy(living.Folder, _options.Folder);
        }

        await using LiteDbRecordStore killed = LiteDbRecordStore.Open(_options);

        Assert.Null(killed.Status.Rebuilt);
        Assert.Equal([1, 2], killed.ReadNote("note"));
        await ExpectAll(killed, records);
    }

    [Fact]
    public async Task Store_without_hints_counts_the_same_as_before()
    {
        await Fill();
        StoreStatus before;
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(_options))
        {
            await store.WriteAsync(RecordOf("key 3", "newer", clock: 900_000, owner: Key.HashOf("alice")));
            await store.RemoveAsync(Key.HashOf("key 4"), clock: 900_000);
            before = store.Status;
        }

        Directory.Delete(Hints, recursive: true);

        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(_options))
        {
            Assert.NotNull(store.Status.Rebuilt);
            Assert.Equal(
                (before.Records, before.LiveBytes), (store.Status.Records, store.Status.LiveBytes));
            Assert.Null(await store.ReadAsync("key 4"));
            Assert.Equal("newer", TextOf(await store.ReadAsync("key 3")));
            Assert.Equal([1, 2], store.ReadNote("note"));
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task Damaged_newest_version_is_told_and_uncovers_no_older_one(
        bool areHintsLost, bool isHeaderHit)
    {
        var options = _options with { ScrubBytesPerSecond = 0, CompactionGarbageShare = 1 };
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(options))
        {
            await store.WriteAsync(RecordOf("a", "old", clock: 1));
            await Task.WhenAll(Filler("first").Select(store.WriteAsync));
            await store.WriteAsync(RecordOf("a", "new and acknowledged", clock: 2));
            await Task.WhenAll(Filler("second").Select(store.WriteAsync));
            await EventuallyHinted(store, options.Folder);
        }

        HurtRecord("new and acknowledged"u8, isHeaderHit);
        if (areHintsLost)
        {
            Directory.Delete(Hints, recursive: true);
        }

        for (int start = 0; start < 3; start++)
        {
            var reported = new List<Holding>();
            await using LiteDbRecordStore store = LiteDbRecordStore.Open(options);
            store.ReportDamageTo(reported.Add);
            Assert.Null(await store.ReadAsync("a"));
            if (start == 0)
            {
                Assert.Equal(RecordOf("a", "", clock: 2).Header.Version, Assert.Single(reported).Version);
            }

            await Eventually.HoldsAsync(() => store.Index.VersionOf(Key.HashOf("a")).Clock == 0, "it is out");
            await store.WriteAsync(RecordOf($"start {start}", "x")); // behind what the opening wrote down
        }
    }

    private static IEnumerable<Record> Filler(string name) =>
        Enumerable.Range(0, 140).Select(i => RecordOf($"{name} {i}", new string('x', 1000)));

    private async Task<Record[]> Fill()
    {
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);
        Record[] records = await WriteSome(store);
        await EventuallyHinted(store, _options.Folder);
        return records;
    }

    private static Task EventuallyHinted(LiteDbRecordStore store, string folder) => Eventually.HoldsAsync(
        () => HintFile.SegmentsIn(Path.Combine(folder, "hints")).Count
            >= Directory.GetFiles(Path.Combine(folder, "segments")).Length - 1,
        "sealed segments have hints");

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

    private string[] SegmentFiles() =>
        [.. Directory.GetFiles(Path.Combine(_options.Folder, "segments")).Order(StringComparer.Ordinal)];

    private void HurtRecord(ReadOnlySpan<byte> content, bool isHeaderHit)
    {
        foreach (string file in SegmentFiles())
        {
            byte[] bytes = File.ReadAllBytes(file);
            int at = bytes.AsSpan().IndexOf(content);
            if (at > 0)
            {
                bytes[at] ^= 1;
                for (int i = at - 200; isHeaderHit && i < at; i++)
                {
                    bytes[i] ^= 0x55;
                }

                File.WriteAllBytes(file, bytes);
            }
        }
    }

    /// <summary>Copies the files of a store that runs: what a killed process leaves behind.</summary>
    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            if (!file.EndsWith(".lock", StringComparison.Ordinal))
            {
                File.Copy(file, copy);
            }
        }
    }

    private static void Hurt(string path, Harm harm)
    {
        if (harm == Harm.Deleted)
        {
            File.Delete(path);
            return;
        }

        var random = new Random(3);
        byte[] bytes = File.ReadAllBytes(path);
        switch (harm)
        {
            case Harm.FlippedBytes:
                bytes[random.Next(bytes.Length)] ^= 0x04;
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

        File.WriteAllBytes(path, bytes);
    }

    private static async Task ExpectAll(LiteDbRecordStore store, Record[] records)
    {
        Assert.Equal((0, null), (store.Status.DamagedRecords, store.Status.Trouble));
        foreach (Record record in records)
        {
            Record? read = await store.ReadAsync(record.Header.Key);
            Assert.True(read is not null, $"{record.Header.Key} is missing; {store.Status}");
            Assert.Equal(record.Encoded.ToArray(), read.Encoded.ToArray());
        }
    }
}
