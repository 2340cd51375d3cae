using CsCheck;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.OnDisk;
using Igor.Kbr;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>
/// Random operations, reopenings and losses of the hints: the store on disk agrees with the one in memory.
/// </summary>
public sealed class StoreModelTests : IDisposable
{
    private const int Keys = 40;

    private readonly TemporaryFolder _folder = new();
    private int _runs;

    private enum Step
    {
        Write,
        WriteLarge,
        Remove,
        Read,
        Reopen,
        LoseHints,
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Store_on_disk_agrees_with_the_one_in_memory() =>
        Gen.Select(
            Gen.Frequency(
                (40, Gen.Const(Step.Write)),
                (20, Gen.Const(Step.WriteLarge)),
                (20, Gen.Const(Step.Remove)),
                (20, Gen.Const(Step.Read)),
                (2, Gen.Const(Step.Reopen)),
                (1, Gen.Const(Step.LoseHints))),
            Gen.Int[0, Keys - 1],
            Gen.ULong[1, 20]).Array[50, 400].Sample(
                steps => Run(steps).GetAwaiter().GetResult(), iter: 12, threads: 1);

    private async Task Run((Step Step, int Number, ulong Clock)[] steps)
    {
        var options = new RecordStoreOptions
        {
            Folder = _folder.Combine($"run {_runs++}"),
            SegmentBytesMax = 64 * 1024,
            CacheBytes = 8 * 1024,
            QuotaBytes = 300_000,
        };
        var model = InMemory(options);
        LiteDbRecordStore store = LiteDbRecordStore.Open(options);
        try
        {
            foreach ((Step step, int number, ulong clock) in steps)
            {
                if (step is Step.Reopen or Step.LoseHints)
                {
                    await store.DisposeAsync();
                    if (step == Step.LoseHints)
                    {
                        Directory.Delete(Path.Combine(options.Folder, "hints"), recursive: true);
                    }

                    store = LiteDbRecordStore.Open(options);
                    continue;
                }

                await Apply(step, $"key {number}", clock, store, model);
            }

            Assert.Equal(model.Headers(Arc.Whole), store.Headers(Arc.Whole));
            StoreStatus status = store.Status;
            Assert.Equal((model.Status.Records, model.Status.LiveBytes), (status.Records, status.LiveBytes));
            Assert.Null(status.Trouble);
        }
        finally
        {
            await store.DisposeAsync();
        }
    }

    private static async Task Apply(
        Step step, string name, ulong clock, LiteDbRecordStore store, InMemoryRecordStore model)
    {
        Key key = Key.HashOf(name);
        switch (step)
        {
            case Step.Write or Step.WriteLarge:
                string value = $"{name} at {clock}" + new string('.', step == Step.WriteLarge ? 20_000 : 100);
                Record record = RecordOf(name, value, clock, owner: Key.HashOf("owner " + (clock % 3)));
                Assert.Equal(await model.WriteAsync(record), await store.WriteAsync(record));
                break;
            case Step.Remove:
                Assert.Equal(await model.RemoveAsync(key, clock), await store.RemoveAsync(key, clock));
                break;
            default:
                Record? expected = await model.ReadAsync(key);
                Record? read = await store.ReadAsync(key);
                Assert.Equal(expected?.Encoded.ToArray(), read?.Encoded.ToArray());
                break;
        }
    }
}
