using System.Collections.Concurrent;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Writing;
using Igor.Kbr;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>
/// A batch that is staged while the one before it is synced stands on that one: it sees its records, comes
/// after it, and fails with it.
/// </summary>
public sealed class PipelinedWriteTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RecordStoreOptions _options;

    public PipelinedWriteTests() =>
        _options = new RecordStoreOptions { Folder = _folder.Combine("store"), CacheBytes = 0 };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Batch_staged_during_a_sync_ends_as_that_does(bool isRefused)
    {
        using var store = new HandDrivenStore(_options);
        Record kept = RecordOf("kept", "before");
        store.Write(kept);
        WriteBatch first = store.Batch;
        var second = new WriteBatch(store.Context) { Before = first };
        var told = new List<(string Name, StoreOutcome Outcome)>();
        using var isFailing = new ManualResetEventSlim();
        store.Log.Find(store.Log.ActiveId)!.BeforeSync = () =>
        {
            isFailing.Wait();
            if (isRefused)
            {
                throw new IOException("no", 5);
            }
        };

        Take(first, RecordOf("a", "one", clock: 2), told);
        Take(first, RecordOf("kept", "after", clock: 2), told);
        first.BeginCommit(() => { });
        Take(second, RecordOf("a", "old", clock: 1), told);
        Take(second, RecordOf("b", "two"), told);
        second.Take(new StoreCommand(StoreCommandKind.Remove)
        {
            Key = Key.HashOf("a"),
            Version = new RecordVersion(2, 7),
            Completed = outcome => told.Add(("removed", outcome)),
        });
        Assert.Equal("before", TextOf(store.Read(kept.Header.Key)));
        Assert.Empty(told);

        isFailing.Set();
        if (isRefused)
        {
            Assert.Throws<IOException>(store.Log.AwaitSync);
            Assert.Throws<IOException>(store.Log.AwaitSync); // whoever asks first
            first.Fail();
            second.Fail();
            Assert.All(told, one => Assert.Equal(StoreOutcome.Failed, one.Outcome));
            Assert.Equal(5, told.Count);
            Assert.Equal("before", TextOf(store.Read(kept.Header.Key)));
            Assert.Equal(1, store.Context.Index.Count);
            Assert.Equal(StoreOutcome.Durable, store.Write(RecordOf("c", "three")));
        }
        else
        {
            store.Log.AwaitSync();
            second.BeginCommit(() => { });
            first.Finish();
            Assert.Equal(2, told.Count);
            store.Log.AwaitSync();
            second.Finish();
            Assert.Equal(
                [
                    ("a", StoreOutcome.Durable), ("kept", StoreOutcome.Durable),
                    ("a", StoreOutcome.Superseded), ("b", StoreOutcome.Durable),
                    ("removed", StoreOutcome.Durable),
                ],
                told);
        }

        store.CutPower(_folder.Combine("after"));
        using var after = new HandDrivenStore(_options with { Folder = _folder.Combine("after") });
        Assert.Null(after.Read(Key.HashOf("a")));
        Assert.Equal(isRefused ? "before" : "after", TextOf(after.Read(kept.Header.Key)));
        Assert.Equal(isRefused ? "(none)" : "two", TextOf(after.Read(Key.HashOf("b"))));
        Assert.Equal(isRefused ? "three" : "(none)", TextOf(after.Read(Key.HashOf("c"))));
    }

    [Fact]
    public void Writes_told_durable_are_on_the_disk_though_every_fifth_sync_fails()
    {
        const int Writes = 4000;
        const int Keys = 50;
        RecordStoreOptions options = _options with { SegmentBytesMax = 512 * 1024, BatchBytesMax = 80_000 };
        var durable = new ConcurrentDictionary<Key, RecordVersion>();
        using var told = new CountdownEvent(Writes);
        int failed = 0;
        using (var store = new HandDrivenStore(options))
        {
            using (var writer = new Writing.StoreWriter(store.Context))
            {
                writer.Start();
                var random = new Random(1);
                for (int i = 0; i < Writes; i++)
                {
                    Record record = RecordOf(
                        Key.HashOf($"key {random.Next(Keys)}"), new byte[random.Next(4000)], (ulong)i);
                    Assert.True(writer.TryEnqueue(new StoreCommand(StoreCommandKind.Write)
                    {
                        Record = record,
                        Completed = outcome => Told(store, record, outcome),
                    }));
                }

                told.Wait();
            }

            Assert.InRange(failed, 1, Writes - 100);
            Assert.All(durable, one => Assert.Equal(one.Value, store.Context.Index.Find(one.Key)?.Version));
            store.CutPower(_folder.Combine("after"));
        }

        using var after = new HandDrivenStore(options with { Folder = _folder.Combine("after") });
        Assert.All(durable, one => Assert.True(after.Context.Index.Find(one.Key)?.Version >= one.Value));

        void Told(HandDrivenStore store, Record record, StoreOutcome outcome)
        {
            // On the writer's thread, which is where segments are begun.
            Assert.NotEqual(StoreOutcome.Superseded, outcome);
            if (outcome == StoreOutcome.Durable)
            {
                durable[record.Header.Key] = record.Header.Version;
            }
            else
            {
                failed++;
            }

            int syncs = 0;
            if (store.Log.Find(store.Log.ActiveId) is { BeforeSync: null } segment)
            {
                segment.BeforeSync = () =>
                {
                    if (++syncs % 5 == 0)
                    {
                        throw new IOException("no", 5);
                    }
                };
            }

            told.Signal();
        }
    }

    private static void Take(
        WriteBatch batch, Record record, List<(string Name, StoreOutcome Outcome)> told) =>
        batch.Take(new StoreCommand(StoreCommandKind.Write)
        {
            Record = record,
            Completed = outcome => told.Add((NameOf(record), outcome)),
        });

    private static string NameOf(Record record) => new[] { "a", "b", "kept" }
        .Single(name => Key.HashOf(name) == record.Header.Key);
}
