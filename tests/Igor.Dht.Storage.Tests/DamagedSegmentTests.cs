using System.Collections.Concurrent;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.OnDisk;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>
/// Segments that are cut, zeroed, garbled or gone: what is intact is served, what is not is reported.
/// </summary>
public sealed class DamagedSegmentTests : IDisposable
{
    private const int RecordCount = 400;

    private readonly TemporaryFolder _folder = new();
    private readonly RecordStoreOptions _options;

    public DamagedSegmentTests() => _options = new RecordStoreOptions
    {
        Folder = _folder.Combine("store"),
        SegmentBytesMax = 128 * 1024,
        CacheBytes = 0,
        ScrubBytesPerSecond = 0,
    };

    public enum Harm
    {
        FlippedBytes,
        ZeroedBlock,
        RandomBlock,
        CutInHalf,
        CutAtTheEnd,
        Deleted,
    }

    public static TheoryData<Harm, bool, int> Harms()
    {
        var data = new TheoryData<Harm, bool, int>();
        foreach (Harm harm in Enum.GetValues<Harm>())
        {
            foreach (int segment in (int[])[0, 1, -1])
            {
                data.Add(harm, false, segment);
                data.Add(harm, true, segment);
            }
        }

        return data;
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Harms))]
    public async Task Segment_harmed_serves_the_intact_and_reports_the_rest(
        Harm harm, bool areHintsLost, int segment)
    {
        Record[] records = await Fill();
        Hurt(harm, segment);
        if (areHintsLost)
        {
            Directory.Delete(Path.Combine(_options.Folder, "hints"), recursive: true);
        }

        var reported = new ConcurrentBag<Holding>();
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);
        store.ReportDamageTo(reported.Add);
        var lost = new HashSet<Key>();
        foreach (Record record in records)
        {
            Record? read = await store.ReadAsync(record.Header.Key);
            if (read is null)
            {
                lost.Add(record.Header.Key);
            }
            else
            {
                Assert.Equal(record.Encoded.ToArray(), read.Encoded.ToArray());
            }
        }

        Assert.InRange(lost.Count, 1, RecordCount - 100);
        await Eventually.HoldsAsync(
            () => store.Status.Trouble is not null || IsUnknowable(harm, areHintsLost), "the trouble shows");
        Assert.Subset(lost, KeysOf(reported));
        if (!areHintsLost)
        {
            // The hints know every key that was lost.
            await Eventually.HoldsAsync(() => store.Status.DamagedRecords == lost.Count, "all are counted");
            Assert.Equal(lost, KeysOf(reported));
            Assert.Null(store.Status.Rebuilt);
        }

        await RefillAndReadAll(store, records);
    }

    [Fact]
    public async Task Scrub_finds_damage_that_nobody_reads()
    {
        Record[] records = await Fill();
        Hurt(Harm.ZeroedBlock, 1);
        var reported = new ConcurrentBag<Holding>();

        await using LiteDbRecordStore store = LiteDbRecordStore.Open(
            _options with { ScrubBytesPerSecond = 1 << 30 });
        store.ReportDamageTo(reported.Add);

        await Eventually.HoldsAsync(() => store.Status.DamagedRecords > 0, "the scrub reports");
        await Eventually.HoldsAsync(
            () => store.Status.Records == RecordCount - store.Status.DamagedRecords, "they are out");
        Assert.All(
            reported, lost => Assert.Contains(records, record => record.Header.Version == lost.Version));
        await RefillAndReadAll(store, records);
    }

    [Fact]
    public async Task Scrub_comes_round_again()
    {
        await Fill();
        Hurt(Harm.ZeroedBlock, 0);
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(
            _options with { ScrubBytesPerSecond = 1 << 30, ScrubRoundMin = TimeSpan.FromMilliseconds(1) });
        await Eventually.HoldsAsync(() => store.Status.DamagedRecords > 0, "the first round reports");

        // The first round may still find what is hurt while it goes on, but no more after that.
        for (int segment = 1; segment <= 2; segment++)
        {
            await Eventually.HoldsAsync(
                () => store.Status.Records == RecordCount - store.Status.DamagedRecords, "they are out");
            long before = store.Status.DamagedRecords;
            Hurt(Harm.ZeroedBlock, segment);
            await Eventually.HoldsAsync(() => store.Status.DamagedRecords > before, "a round reports");
        }
    }

    [Fact]
    public async Task Segment_torn_at_its_end_loses_nothing_acknowledged()
    {
        Record[] records = await Fill();
        string last = SegmentFiles()[^1];
        byte[] bytes = await File.ReadAllBytesAsync(last);
        await File.AppendAllBytesAsync(last, bytes.AsMemory(16, 100));

        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);

        Assert.Null(store.Status.Trouble);
        foreach (Record record in records)
        {
            Record? read = await store.ReadAsync(record.Header.Key);
            Assert.Equal(record.Encoded.ToArray(), read!.Encoded.ToArray());
        }

        await RefillAndReadAll(store, records);
    }

    /// <summary>
    /// Without hints nobody can tell that a whole segment was there, or what followed a cut.
    /// </summary>
    private static bool IsUnknowable(Harm harm, bool areHintsLost) =>
        areHintsLost && harm is (Harm.Deleted or Harm.CutInHalf or Harm.CutAtTheEnd);

    private async Task<Record[]> Fill()
    {
        var random = new Random(1);
        Record[] records = [.. Enumerable.Range(0, RecordCount).Select(i =>
        {
            var value = new byte[random.Next(200, 2000)];
            random.NextBytes(value);
            return RecordOf(Key.HashOf("key " + i), value, clock: (ulong)i + 1);
        })];
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(_options);
        await Task.WhenAll(records.Select(store.WriteAsync));
        return records;
    }

    private static HashSet<Key> KeysOf(IEnumerable<Holding> lost) => [.. lost.Select(holding => holding.Key)];

    private string[] SegmentFiles() =>
        [.. Directory.GetFiles(Path.Combine(_options.Folder, "segments")).Order(StringComparer.Ordinal)];

    private void Hurt(Harm harm, int segment)
    {
        string[] files = SegmentFiles();
        string path = segment < 0 ? files[^1] : files[segment];
        if (harm == Harm.Deleted)
        {
            File.Delete(path);
            return;
        }

        var random = new Random(2);
        byte[] bytes = File.ReadAllBytes(path);
        int block = Math.Min(8192, bytes.Length / 4);
        switch (harm)
        {
            case Harm.FlippedBytes:
                for (int i = 0; i < 20; i++)
                {
                    bytes[random.Next(SegmentCodec.FileHeaderBytes, bytes.Length)] ^= 0x10;
                }

                break;
            case Harm.ZeroedBlock:
                bytes.AsSpan(bytes.Length / 2, block).Clear();
                break;
            case Harm.RandomBlock:
                random.NextBytes(bytes.AsSpan(bytes.Length / 3, block));
                break;
            case Harm.CutInHalf:
                bytes = bytes[..(bytes.Length / 2)];
                break;
            case Harm.CutAtTheEnd:
                bytes = bytes[..^100];
                break;
        }

        File.WriteAllBytes(path, bytes);
    }

    private static async Task RefillAndReadAll(LiteDbRecordStore store, Record[] records)
    {
        foreach (Record record in records)
        {
            StoreOutcome outcome = await store.WriteAsync(record);
            Assert.True(outcome is StoreOutcome.Durable or StoreOutcome.Superseded, outcome.ToString());
            Record? read = await store.ReadAsync(record.Header.Key);
            Assert.Equal(record.Encoded.ToArray(), read!.Encoded.ToArray());
        }
    }
}
