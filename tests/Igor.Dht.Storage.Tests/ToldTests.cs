using System.Collections.Concurrent;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.OnDisk;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>When the store says that it has told all whom a batch concerned.</summary>
public sealed class ToldTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Batch_ends_with_a_word_on_whether_more_waits()
    {
        await using var store = LiteDbRecordStore.Open(
            new RecordStoreOptions { Folder = _folder.Combine("store") });
        var events = new ConcurrentQueue<string>();
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        store.Told = isIdle =>
        {
            events.Enqueue($"told, idle {isIdle}, by the writer {store.IsWriter}");
            if (events.Count == 4)
            {
                over.SetResult();
            }
        };

        store.Write(RecordOf("first", "x"), outcome =>
        {
            events.Enqueue($"first {outcome}, by the writer {store.IsWriter}");
            store.Write(RecordOf("second", "y"), later => events.Enqueue($"second {later}"));
        });

        await Eventually.CompletesAsync(over.Task, "both batches are told");
        Assert.Equal(
            [
                $"first {StoreOutcome.Durable}, by the writer True",
                "told, idle False, by the writer True",
                $"second {StoreOutcome.Durable}",
                "told, idle True, by the writer True",
            ],
            events);
        Assert.False(store.IsWriter);
    }
}
