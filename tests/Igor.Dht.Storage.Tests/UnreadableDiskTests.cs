using Igor.Dht.Storage.Hints;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.OnDisk;
using Igor.Dht.Storage.Opening;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.Upkeep;
using Igor.Kbr;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>A disk that cannot read some of its sectors costs the entries there and nothing else.</summary>
public sealed class UnreadableDiskTests : IDisposable
{
    private const int BlockBytes = 4096;
    private const int RecordCount = 100;
    private const int LastBlock = -1;

    private readonly TemporaryFolder _folder = new();
    private readonly RecordStoreOptions _options;

    public UnreadableDiskTests() =>
        _options = new RecordStoreOptions { Folder = _folder.Combine("store"), CacheBytes = 0 };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(LastBlock)]
    public void Rebuild_over_an_unreadable_block_takes_everything_else(int block)
    {
        using var store = new HandDrivenStore(_options);
        Place[] places = Fill(store, out Record[] records);
        Lose(store.Log.Find(1)!, block, out long from, out long to);

        var entries = new HintEntries();
        SegmentSurvey survey = SegmentSurvey.Of(store.Log.Find(1)!, 0, isTail: false, entries);
        StoreIndex rebuilt = new HintMerge(store.Log, [entries]).Run(default, rangesMax: 1);

        for (int i = 0; i < RecordCount; i++)
        {
            bool isHit = places[i].Offset < to && places[i].End > from;
            bool isStored = rebuilt.Find(records[i].Header.Key) is not null;
            Assert.True(isStored != isHit, $"record {i}");
        }

        Assert.True(survey.HasUnreadable, "no hint is made of what the disk may find again");
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public void Record_is_condemned_when_its_disk_fails_twice(int failures, bool isServed)
    {
        using var store = new HandDrivenStore(_options);
        Fill(store, out Record[] records);
        int left = failures;
        store.Log.Find(1)!.BeforeRead = (_, _) =>
        {
            if (left-- > 0)
            {
                throw new IOException("Input/output error", 5);
            }
        };

        var damaged = store.Context.Ledger;
        bool isRead = false;
        using var writer = new Writing.StoreWriter(store.Context);
        writer.Start();
        using var done = new ManualResetEventSlim();
        new RecordReader(store.Context, writer).Read(records[3].Header.Key, record =>
        {
            isRead = record is not null;
            done.Set();
        });
        done.Wait(TimeSpan.FromSeconds(30));

        Assert.Equal(isServed, isRead);
        Assert.Equal(isServed ? 0 : 1, damaged.DamagedRecords);
        Assert.Equal(isServed, store.Context.Index.Find(records[3].Header.Key) is not null);
    }

    [Fact]
    public void Segment_whose_end_cannot_be_read_is_not_cut()
    {
        using var store = new HandDrivenStore(_options);
        Fill(store, out _);
        Segment segment = store.Log.Find(1)!;
        Lose(segment, LastBlock, out long from, out _);

        SegmentSurvey survey = SegmentSurvey.Of(segment, 0, isTail: true, new HintEntries());

        Assert.InRange(survey.IntactEnd, 1, from);
        Assert.False(survey.CanFollow, "nothing follows what may be whole, and nothing is cut off");
    }

    [Fact]
    public void Compaction_of_an_unreadable_segment_keeps_it_and_goes_on_to_the_next()
    {
        using var store = new HandDrivenStore(_options);
        Fill(store, out Record[] records);
        store.Log.Seal();
        store.Write([.. records.Select(record => RecordOf(record.Header.Key, new byte[1], clock: 2))]);
        store.Log.Seal();
        store.Write([.. records.Select(record => RecordOf(record.Header.Key, new byte[1], clock: 3))]);
        store.Log.Seal();
        store.Write(RecordOf("newest", "stays"));
        Assert.Equal(1, Choose());
        Lose(store.Log.Find(1)!, 5, out _, out _);

        store.Empty(segment: 1);
        store.Compactor.DeleteEmptied();

        Assert.NotNull(store.Log.Find(1));
        Assert.Equal(2, Choose());

        int? Choose() => Victims.Choose(store.Context.Index, store.Log, _options, long.MaxValue);
    }

    private static Place[] Fill(HandDrivenStore store, out Record[] records)
    {
        var random = new Random(1);
        records = [.. Enumerable.Range(0, RecordCount).Select(i =>
        {
            var value = new byte[random.Next(200, 2000)];
            random.NextBytes(value);
            return RecordOf(Key.HashOf("key " + i), value);
        })];
        store.Write(records);
        return [.. records.Select(record =>
            store.Context.Index.Find(record.Header.Key)!.Value.Place)];
    }

    /// <summary>Has reads of a block fail as those of a bad sector do.</summary>
    private static void Lose(Segment segment, int block, out long from, out long to)
    {
        const int InputOutputError = 5;
        long begin = block == LastBlock ? (segment.Length - 1) / BlockBytes * BlockBytes : block * BlockBytes;
        from = begin;
        to = begin + BlockBytes;
        segment.BeforeRead = (offset, length) =>
        {
            if (offset < begin + BlockBytes && offset + length > begin)
            {
                throw new IOException("Input/output error", InputOutputError);
            }
        };
    }
}
