using Igor.Dht.Protocol.Records;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>What is left on the disk when the machine loses power between two steps of the writer.</summary>
public sealed class PowerCutTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Record_deleted_before_a_power_cut_stays_deleted_once_its_tombstone_is_compacted_away()
    {
        Record other = RecordOf("other", "stays");
        Record first = RecordOf("a", "v1");
        Record tombstone = RecordOf("a", string.Empty, clock: 2, isTombstone: true);
        using (var store = new HandDrivenStore(Options("store")))
        {
            store.Write(other, first);
            store.Log.Seal();
            store.Write(tombstone);
            store.Log.Seal();
            store.Remove(tombstone);
            store.Empty(segment: 2);
            store.Compactor.DeleteEmptied();
            Assert.Null(store.Log.Find(2));
            store.CutPower(_folder.Combine("after"));
        }

        using var after = new HandDrivenStore(Options("after"));
        Assert.NotNull(after.Read(other.Header.Key));
        Assert.Null(after.Read(first.Header.Key));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    public void Record_that_replaced_a_newer_version_stays_whatever_is_compacted(int compacted)
    {
        Record future = RecordOf("a", "from the future", clock: 900);
        Record honest = RecordOf("a", "honest", clock: 2);
        Record later = RecordOf("a", "later", clock: 3);
        using (var store = new HandDrivenStore(Options("store")))
        {
            store.Write(RecordOf("b", "stays"), future);
            store.Log.Seal();
            store.Replace(honest, future);
            store.Write(RecordOf("c", "stays"));
            store.Log.Seal();
            if (compacted == 3)
            {
                store.Write(later, RecordOf("d", "stays"));
                store.Log.Seal();
            }

            store.Write(RecordOf("e", "stays"));
            for (int segment = 2; segment <= compacted; segment++)
            {
                store.Empty(segment);
                store.Compactor.DeleteEmptied();
                Assert.Null(store.Log.Find(segment));
            }

            store.CutPower(_folder.Combine("after"));
        }

        using var after = new HandDrivenStore(Options("after"));
        Record expected = compacted == 3 ? later : honest;
        Assert.Equal(expected.Header.Version, after.Read(expected.Header.Key)!.Header.Version);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Record_put_again_after_a_kill_survives_a_power_cut(bool isTornBehind)
    {
        Record record = RecordOf("a", "value");
        using (var killed = new HandDrivenStore(Options("store")))
        {
            killed.Write(record);
            killed.Kill(_folder.Combine("killed"));
        }

        if (isTornBehind)
        {
            File.AppendAllText(
                Directory.GetFiles(_folder.Combine("killed/segments")).Single(), "torn");
        }

        using (var store = new HandDrivenStore(Options("killed")))
        {
            Assert.Equal(StoreOutcome.Superseded, store.Write(record));
            store.CutPower(_folder.Combine("after"));
        }

        using var after = new HandDrivenStore(Options("after"));
        Assert.Equal("value", TextOf(after.Read(record.Header.Key)));
    }

    private RecordStoreOptions Options(string name) =>
        new() { Folder = _folder.Combine(name), CacheBytes = 0 };
}
