using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Writing;
using Igor.Kbr;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>Changes that wait for the index in memory stay bounded.</summary>
public sealed class IndexBacklogTests : IDisposable
{
    private const int BatchRecords = 10;
    private const int WaitingMax = 4 * BatchRecords;

    private readonly TemporaryFolder _folder = new();
    private readonly RecordStoreOptions _options;

    public IndexBacklogTests() => _options = new RecordStoreOptions
    {
        Folder = _folder.Combine("store"),
        CacheBytes = 0,
        IndexBatchRecords = BatchRecords,
        IndexPeriod = TimeSpan.FromHours(1),
    };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_name_rewritten_counts_with_every_change(bool isNote)
    {
        using var store = new HandDrivenStore(_options);
        for (ulong clock = 1; clock <= WaitingMax; clock++)
        {
            Assert.False(store.Context.Catalog.IsBehind);
            if (isNote)
            {
                store.Batch.WriteNote("note", [1]);
                store.Batch.Commit();
            }
            else
            {
                store.Write(RecordOf("a", "value", clock));
            }

            bool isDue = store.Context.Catalog.NextBatch(isForced: false) is not null;
            Assert.Equal(clock >= BatchRecords, isDue);
        }

        Assert.True(store.Context.Catalog.IsBehind);
        store.FeedIndex();
        Assert.False(store.Context.Catalog.IsBehind);
    }

    [Fact]
    public async Task Writes_fail_when_an_index_in_doubt_is_too_far_behind()
    {
        using var store = new HandDrivenStore(_options with { BatchBytesMax = 4096 });
        using var writer = new Dht.Storage.Writing.StoreWriter(store.Context);
        store.Context.DoubtIndex(store.Context.Catalog, "a test says so");
        writer.Start();
        var outcomes = new List<StoreOutcome>();
        for (int i = 0; i < 10 * WaitingMax; i++)
        {
            Assert.True(writer.TryEnqueue(new StoreCommand(StoreCommandKind.Write)
            {
                Record = RecordOf(Key.HashOf($"key {i}"), new byte[1000]),
                Completed = outcomes.Add,
            }));
        }

        await writer.RunExclusively(() => { }).WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(10 * WaitingMax, outcomes.Count);
        int durable = outcomes.Count(outcome => outcome == StoreOutcome.Durable);
        Assert.InRange(durable, WaitingMax, 2 * WaitingMax);
        Assert.All(outcomes.Skip(2 * WaitingMax), outcome => Assert.Equal(StoreOutcome.Failed, outcome));
    }
}
