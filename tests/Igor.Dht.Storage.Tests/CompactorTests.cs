using Igor.Dht.Storage.OnDisk;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.Upkeep;
using Igor.Dht.Storage.Writing;
using Igor.Kbr;
using Igor.Testing;

using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>Compaction, one step at a time.</summary>
public sealed class CompactorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RecordStoreOptions _options;

    public CompactorTests() =>
        _options = new RecordStoreOptions { Folder = _folder.Combine("store"), CacheBytes = 0 };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Note_written_in_the_batch_that_copies_its_segment_keeps_its_new_content()
    {
        using var store = new HandDrivenStore(_options);
        store.Batch.WriteNote("note", [1]);
        store.Batch.Commit();
        store.Log.Seal();
        store.Write(RecordOf("newest", "stays"));

        store.Batch.WriteNote("note", [2]);
        store.Empty(segment: 1);
        store.Compactor.DeleteEmptied();

        Assert.Null(store.Log.Find(1));
        Assert.Equal([2], store.Context.FindNote("note")!);
    }

    [Fact]
    public void Segment_whose_compaction_waits_for_the_writer_is_not_given_up()
    {
        using var store = new HandDrivenStore(_options);
        store.Write(RecordOf("a", new string('x', 2_000_000)));
        store.Log.Seal();
        store.Write(RecordOf("a", "new", clock: 2));
        store.Log.Seal();
        store.Write(RecordOf("b", "newest"));
        using var writer = new Writing.StoreWriter(store.Context);
        var relief = new Relief(store.Context, writer);
        store.Context.IsFull = true;

        relief.Step();
        relief.Step();

        Assert.True(store.Context is { IsFull: true, MayFreeRoom: true });
    }

    [Fact]
    public async Task Segment_that_was_asked_for_while_another_was_compacted_is_not_given_up()
    {
        using var store = new HandDrivenStore(_options);
        store.Write(RecordOf("a", new string('x', 2_000_000)), RecordOf("c", "stays"));
        store.Log.Seal();
        store.Write(RecordOf("b", new string('x', 2_000_000)));
        store.Log.Seal();
        store.Write(RecordOf("a", "new", clock: 2), RecordOf("b", "new", clock: 2));
        store.Log.Seal();
        store.Write(RecordOf("d", "newest"));
        using var begin = new ManualResetEventSlim();
        using var writer = new Writing.StoreWriter(store.Context);
        writer.Start();
        Task held = writer.RunExclusively(begin.Wait);
        writer.TryEnqueue(new StoreCommand(StoreCommandKind.Compact) { Place = new Place(1, 0, 0) });
        var relief = new Relief(store.Context, writer);
        store.Context.IsFull = true;
        relief.Step(); // asks for the second, which has less to copy
        begin.Set();
        await held;
        await Eventually.HoldsAsync(
            () => IsDeleted(store, writer, 1) && !writer.Compactor.IsBusy, "the first is deleted");

        relief.Step();
        await Eventually.HoldsAsync(() => IsDeleted(store, writer, 2), "the second is deleted");
    }

    private static bool IsDeleted(HandDrivenStore store, Writing.StoreWriter writer, int segment)
    {
        writer.Nudge();
        return store.Log.Find(segment) is null;
    }

    [Fact]
    public void Segment_whose_live_part_has_no_room_elsewhere_waits()
    {
        using var store = new HandDrivenStore(_options);
        store.Write(RecordOf("a", new string('x', 100_000)), RecordOf("b", new string('x', 20_000)));
        store.Log.Seal();
        store.Write(RecordOf("a", "new", clock: 2));
        store.Log.Seal();
        store.Write(RecordOf("c", "newest"));

        Assert.Null(Victims.Choose(store.Context.Index, store.Log, _options, roomBytes: 20_000));
        Assert.Equal(1, Victims.Choose(store.Context.Index, store.Log, _options, roomBytes: 21_000));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Compaction_leaves_the_disk_to_writers_between_its_steps_unless_they_wait_for_it(bool isFull)
    {
        using var store = new HandDrivenStore(_options with { CompactionBytesPerSecond = 64 * 1024 });
        store.Write([.. Enumerable.Range(0, 10).Select(i => RecordOf($"a {i}", new string('x', 100_000)))]);
        store.Log.Seal();
        store.Write(RecordOf("c", "newest"));
        store.Context.IsFull = isFull;
        store.Compactor.Begin(1);
        Assert.True(store.Compactor.IsDue);

        store.Compactor.Step(store.Batch);

        Assert.True(store.Compactor.IsCopying);
        Assert.Equal(isFull, store.Compactor.IsDue);
        store.Batch.Commit();
    }

    [Fact]
    public void Segment_that_cannot_be_deleted_stays_listed_and_is_tried_again()
    {
        using var store = new HandDrivenStore(_options);
        store.Write(RecordOf("a", "old"));
        store.Log.Seal();
        store.Write(RecordOf("a", "new", clock: 2));
        store.Empty(segment: 1);

        // A folder in the file's place cannot be deleted as a file.
        string path = store.Log.Find(1)!.FilePath;
        File.Delete(path);
        Directory.CreateDirectory(path);
        Assert.Throws<UnauthorizedAccessException>(store.Compactor.DeleteEmptied);
        Assert.NotNull(store.Log.Find(1));

        Directory.Delete(path);
        store.Compactor.DeleteEmptied();
        Assert.Null(store.Log.Find(1));
        Assert.Equal("new", TextOf(store.Read(Key.HashOf("a"))));
    }

    [Fact]
    public async Task Backup_that_ends_while_the_queue_is_full_lets_segments_be_deleted_again()
    {
        using var store = new HandDrivenStore(_options with { QueueBytesMax = 4096 });
        store.Write(RecordOf("a", "value"));
        using var begin = new ManualResetEventSlim();
        using var end = new ManualResetEventSlim();
        using var writer = new Dht.Storage.Writing.StoreWriter(store.Context);
        writer.Start();
        Task first = writer.RunExclusively(begin.Wait);
        Task backup = StoreBackup.CreateAsync(store.Context, writer, _folder.Combine("backup"), default);
        Task last = writer.RunExclusively(() =>
        {
            while (writer.TryEnqueue(new StoreCommand(StoreCommandKind.Compact)))
            {
            }

            end.Wait();
        });
        begin.Set();

        try
        {
            await backup.WaitAsync(TimeSpan.FromSeconds(30));
            Assert.False(writer.Compactor.IsHeld);
        }
        finally
        {
            end.Set();
        }

        await Task.WhenAll(first, last);
    }
}
