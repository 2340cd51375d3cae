using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Hints;
using Igor.Dht.Storage.OnDisk;
using Igor.Kbr;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>
/// A process or a machine that dies at any step of writing and deleting hints loses nothing, calls nothing
/// lost that is not, and brings nothing back.
/// </summary>
public sealed class HintCrashTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public enum Step
    {
        BeforeHints,
        HintHalfWritten,
        HintsWritten,
        Copied,
        HintDeleted,
        SegmentDeleted,
        WrittenOn,
    }

    public static TheoryData<Step, bool> Steps()
    {
        var data = new TheoryData<Step, bool>();
        foreach (Step step in Enum.GetValues<Step>())
        {
            data.Add(step, false);
            data.Add(step, true);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Steps))]
    public void Death_at_any_step_leaves_what_was_acknowledged(Step step, bool isPowerCut)
    {
        using (var store = new HandDrivenStore(Options("store")))
        {
            Run(store, step);
            if (isPowerCut)
            {
                store.CutPower(_folder.Combine("after"));
            }
            else
            {
                store.Kill(_folder.Combine("after"));
            }
        }

        for (int start = 0; start < 2; start++)
        {
            using var after = new HandDrivenStore(Options("after"));
            Assert.Empty(after.Context.Unrecorded);
            Assert.Equal((0, null), (after.Context.Ledger.DamagedRecords, after.Context.Ledger.Trouble));
            Assert.Equal("new", TextOf(after.Read(Key.HashOf("replaced"))));
            Assert.Equal("stays", TextOf(after.Read(Key.HashOf("kept"))));
            Assert.Null(after.Read(Key.HashOf("removed")));
            Assert.Equal([2], after.Context.FindNote("note")!);
            Assert.Equal(3 + (step == Step.WrittenOn ? 1 : 0), after.Context.Index.Count);
            after.WriteHints();
        }
    }

    [Fact]
    public async Task Segment_that_is_gone_is_told_by_its_hint_and_stays_told_for()
    {
        RecordStoreOptions options = Options("store");
        Record[] lost = [.. Enumerable.Range(0, 40).Select(i => RecordOf($"lost {i}", "x", clock: 2))];
        using (var store = new HandDrivenStore(options))
        {
            store.Write([.. lost.Select(record => RecordOf(record.Header.Key, [1], clock: 1))]);
            store.Log.Seal();
            store.Write(lost);
            store.Log.Seal();
            store.Write(RecordOf("other", "stays"));
            store.WriteHints();
        }

        File.Delete(Path.Combine(options.Folder, "segments", "00000002.seg"));
        for (int start = 0; start < 3; start++)
        {
            var reported = new List<RecordVersion>();
            await using LiteDbRecordStore store = LiteDbRecordStore.Open(options);
            store.ReportDamageTo(damaged => reported.Add(damaged.Version));
            Assert.Equal(1, store.Status.Records);
            Assert.Equal(start == 0 ? lost.Select(record => record.Header.Version) : [], reported);
            await Eventually.HoldsAsync(
                () => !File.Exists(HintFile.PathOf(Path.Combine(options.Folder, "hints"), 2)),
                "what is lost is written down");
        }
    }

    [Fact]
    public async Task Record_that_comes_back_after_its_loss_is_not_forgotten_again()
    {
        RecordStoreOptions options = Options("store");
        Record record = RecordOf("a", "value", clock: 2);
        using (var store = new HandDrivenStore(options))
        {
            store.Write(record);
            store.Log.Seal();
            store.Write(RecordOf("other", "stays"));
            store.WriteHints();
        }

        File.Delete(Path.Combine(options.Folder, "segments", "00000001.seg"));
        using (var store = new HandDrivenStore(options))
        {
            Assert.Equal(record.Header.Version, Assert.Single(store.Context.Unrecorded).Value);
            store.Write(record);
            store.RecordLosses();
        }

        await using LiteDbRecordStore again = LiteDbRecordStore.Open(options);
        Assert.Equal("value", TextOf(await again.ReadAsync("a")));
        Assert.Equal(0, again.Status.DamagedRecords);
    }

    private static void Run(HandDrivenStore store, Step last)
    {
        store.Write(RecordOf("replaced", "old"), RecordOf("kept", "stays"), RecordOf("removed", "gone"));
        store.Batch.WriteNote("note", [1]);
        store.Batch.Commit();
        store.Log.Seal();
        store.Write(RecordOf("replaced", "new", clock: 2));
        store.Remove(RecordOf("removed", "gone"));
        store.Batch.WriteNote("note", [2]);
        store.Batch.Commit();
        store.Log.Seal();
        store.Write(RecordOf("newest", "stays"));
        if (last == Step.HintHalfWritten)
        {
            File.WriteAllBytes(HintFile.PathOf(store.Context.HintsFolder, 1) + ".new", [1, 2, 3]);
        }

        if (last >= Step.HintsWritten)
        {
            store.WriteHints();
            Assert.Equal([1, 2], HintFile.SegmentsIn(store.Context.HintsFolder));
        }

        if (last >= Step.Copied)
        {
            store.Empty(segment: 1);
            store.Log.Force();
        }

        if (last == Step.HintDeleted)
        {
            HintFile.Delete(store.Context.HintsFolder, 1);
        }

        if (last >= Step.SegmentDeleted)
        {
            store.Compactor.DeleteEmptied();
            Assert.Null(store.Log.Find(1));
        }

        if (last == Step.WrittenOn)
        {
            store.Write(RecordOf("written on", "x"));
            store.Log.Seal();
            store.WriteHints();
        }
    }

    private RecordStoreOptions Options(string name) =>
        new() { Folder = _folder.Combine(name), CacheBytes = 0, ScrubBytesPerSecond = 0 };
}
