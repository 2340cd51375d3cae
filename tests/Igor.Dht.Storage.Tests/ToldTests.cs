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
            events.Enqueue($"told, idle {isIdle}, telling {store.IsTelling}");
            if (events.Count == 4)
            {
                over.SetResult();
            }
        };

        store.Write(RecordOf("first", "x"), outcome =>
        {
            events.Enqueue($"first {outcome}, telling {store.IsTelling}");
            store.Write(RecordOf("second", "y"), later => events.Enqueue($"second {later}"));
        });

        await Eventually.CompletesAsync(over.Task, "both batches are told");
        Assert.Equal(
            [
                $"first {StoreOutcome.Durable}, telling True",
                "told, idle False, telling False",
                $"second {StoreOutcome.Durable}",
                "told, idle True, telling False",
            ],
            events);
        Assert.False(store.IsTelling);
    }

    /// <summary>No batch follows what is refused then, which would say that it is over.</summary>
    [Fact]
    public async Task Write_refused_after_the_word_is_none_of_a_batch()
    {
        await using var store = LiteDbRecordStore.Open(
            new RecordStoreOptions { Folder = _folder.Combine("store"), QueueBytesMax = 4096 });
        var refused = new TaskCompletionSource<(StoreOutcome Outcome, bool IsTelling)>(
            TaskCreationOptions.RunContinuationsAsynchronously);
        store.Told = _ => store.Write(
            RecordOf("large", new string('x', 8192)),
            outcome => refused.TrySetResult((outcome, store.IsTelling)));

        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("small", "x")));

        Assert.Equal(
            (StoreOutcome.Busy, false),
            await Eventually.CompletesAsync(refused.Task, "the write ends"));
    }
}
