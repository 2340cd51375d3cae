using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.OnDisk;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.Upkeep;
using Igor.Dht.Storage.Writing;
using Igor.Testing;
using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

public sealed class FullDiskTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private bool _isMounted;

    public void Dispose()
    {
        if (_isMounted)
        {
            MountFactAttribute.Run("umount", "-l", _folder.Combine("disk"));
        }

        _folder.Dispose();
    }

    [MountFact]
    public async Task Disk_full_fails_writes_and_goes_on_when_there_is_room()
    {
        RecordStoreOptions options = Mount("3m");
        string ballast = _folder.Combine("disk/ballast");
        await File.WriteAllBytesAsync(ballast, new byte[1024 * 1024]);
        string value = new('x', 3000);
        var durable = new HashSet<int>();
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(options))
        {
            StoreOutcome outcome = StoreOutcome.Durable;
            for (int i = 0; i < 1000 && outcome == StoreOutcome.Durable; i++)
            {
                outcome = await store.WriteInTimeAsync(RecordOf($"key {i}", value));
                if (outcome == StoreOutcome.Durable)
                {
                    durable.Add(i);
                }
            }

            Assert.Equal(StoreOutcome.Failed, outcome);
            Assert.Contains("is full", store.Status.Trouble, StringComparison.Ordinal);
            Assert.Equal(value, TextOf(await store.ReadAsync("key 0")));
            Assert.Equal(
                StoreOutcome.Failed,
                await store.WriteInTimeAsync(RecordOf("large", new string('y', 100_000))));

            File.Delete(ballast);
            for (int i = 2000; i < 2050; i++)
            {
                Assert.Equal(
                    StoreOutcome.Durable, await store.WriteInTimeAsync(RecordOf($"key {i}", value)));
                durable.Add(i);
            }

            await Eventually.HoldsAsync(() => store.Status.Trouble is null, "the trouble is over");
        }

        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(options))
        {
            Assert.Equal(0, store.Status.DamagedRecords);
            foreach (int i in durable)
            {
                Assert.Equal(value, TextOf(await store.ReadAsync($"key {i}")));
            }
        }
    }

    [MountFact]
    public async Task Disk_that_is_full_at_the_start_is_trouble_though_nobody_writes()
    {
        RecordStoreOptions options = Mount("4m");
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(options))
        {
            await store.WriteAsync(RecordOf("key", "value"));
        }

        TakeEveryByte();
        await using LiteDbRecordStore again = LiteDbRecordStore.Open(options);

        await Eventually.HoldsAsync(() => again.Status.Trouble is not null, "the trouble shows");
        Assert.Contains("is full", again.Status.Trouble, StringComparison.Ordinal);
    }

    [MountFact]
    public async Task Write_to_a_full_disk_that_frees_itself_is_told_to_come_again()
    {
        RecordStoreOptions options = Mount("24m") with { SegmentBytesMax = 4 * 1024 * 1024 };
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(options);
        for (ulong clock = 1; clock < 600; clock++)
        {
            Record record = RecordOf($"key {clock % 20}", new string('x', 200_000), clock);
            Assert.Equal(StoreOutcome.Durable, await store.WriteInTimeAsync(record));
        }

        Assert.Null(store.Status.Trouble);
    }

    [MountFact]
    public async Task Trouble_of_a_full_disk_is_over_when_there_is_room_again()
    {
        RecordStoreOptions options = Mount("4m");
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(options);
        await store.WriteAsync(RecordOf("key", "value"));
        TakeEveryByte();
        Assert.Equal(
            StoreOutcome.Failed,
            await store.WriteInTimeAsync(RecordOf("large", new string('y', 200_000))));
        Assert.Contains("is full", store.Status.Trouble, StringComparison.Ordinal);

        File.Delete(_folder.Combine("disk/others"));

        await Eventually.HoldsAsync(
            () => store.Status.Trouble is null, "the trouble is over, though nobody writes");
    }

    [MountFact]
    public async Task Full_disk_frees_its_own_garbage_and_takes_writes_again()
    {
        // A sixth of the disk is alive; the rest is garbage that came faster than it was compacted.
        RecordStoreOptions options = Mount("24m") with { SegmentBytesMax = 4 * 1024 * 1024 };
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(options);
        await FillWithGarbageAsync(store);

        for (ulong clock = 1_000_000; clock < 1_000_040; clock++)
        {
            Record record = RecordOf($"key {clock % 20}", new string('y', 200_000), clock);
            await EventuallyDurable(store, record);
        }

        Assert.Null(store.Status.Trouble);
    }

    [MountFact]
    public async Task Garbage_is_freed_when_others_took_every_byte()
    {
        RecordStoreOptions options = Mount("24m") with { SegmentBytesMax = 4 * 1024 * 1024 };
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(options);
        await FillWithGarbageAsync(store);
        TakeEveryByte();

        await EventuallyDurable(store, RecordOf("key 1", new string('y', 200_000), 1_000_000));
    }

    [MountFact]
    public async Task Garbage_of_one_segment_only_is_freed()
    {
        RecordStoreOptions options = Mount("24m");
        options = options with { SegmentBytesMax = 64 * 1024 * 1024 };
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(options);
        await FillWithGarbageAsync(store);

        for (ulong clock = 1_000_000; clock < 1_000_040; clock++)
        {
            Record record = RecordOf($"key {clock % 20}", new string('y', 200_000), clock);
            await EventuallyDurable(store, record);
        }
    }

    [MountFact]
    public async Task Killed_while_a_full_disk_is_compacted_nothing_is_lost_or_called_damaged()
    {
        RecordStoreOptions options = Mount("24m") with { SegmentBytesMax = 4 * 1024 * 1024 };
        string copy = _folder.Combine("killed");
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(options))
        {
            await FillWithGarbageAsync(store);
            TakeEveryByte();
            await EventuallyDurable(store, RecordOf("key 1", new string('y', 200_000), 1_000_000));

            // What a killed process leaves: the files as they are now.
            Assert.True(MountFactAttribute.Run("cp", "-a", options.Folder, copy));
        }

        await using LiteDbRecordStore again = LiteDbRecordStore.Open(options with { Folder = copy });
        Assert.Equal(0, again.Status.DamagedRecords);
        Assert.Equal(20, again.Status.Records);
        for (int key = 0; key < 20; key++)
        {
            Assert.Equal(200_000, TextOf(await again.ReadAsync($"key {key}")).Length);
        }
    }

    [MountFact]
    public async Task Compaction_goes_on_when_a_write_beside_it_finds_the_disk_full()
    {
        using var store = new HandDrivenStore(Mount("8m"));
        store.Write(RecordOf("a", new string('x', 2_000_000)));
        store.Log.Seal();
        store.Write(RecordOf("a", "new", clock: 2));
        store.Log.Seal();
        store.Write(RecordOf("b", "newest"));
        Assert.True(store.Context.Reserve.TryKeep(store.Log.DiskBytes)); // else the write is not tried
        TakeEveryByte();
        using var begin = new ManualResetEventSlim();
        using var writer = new Writing.StoreWriter(store.Context);
        writer.Start();
        Task held = writer.RunExclusively(begin.Wait);
        var ended = new TaskCompletionSource<StoreOutcome>();
        writer.TryEnqueue(new StoreCommand(StoreCommandKind.Write)
        {
            Record = RecordOf("c", new string('y', 1_000_000)),
            Completed = ended.SetResult,
        });
        writer.TryEnqueue(new StoreCommand(StoreCommandKind.Compact) { Place = new Place(1, 0, 0) });
        begin.Set();
        await held;

        Assert.NotEqual(StoreOutcome.Durable, await ended.Task);
        await Eventually.HoldsAsync(
            () =>
            {
                writer.Nudge();
                return store.Log.Find(1) is null;
            },
            "the segment is freed, though nobody asks again");
    }

    [MountFact]
    public void Disk_that_is_full_as_well_is_said_to_be_what_the_write_found()
    {
        using var store = new HandDrivenStore(Mount("8m"));
        store.Write(RecordOf("a", "value"));
        using var writer = new Writing.StoreWriter(store.Context);
        TakeEveryByte();
        store.Context.Ledger.SetDiskTrouble("read-only");

        new Relief(store.Context, writer).Step();
        Assert.Equal("read-only", store.Context.Ledger.Trouble);

        store.Context.Ledger.SetDiskTrouble(null);
        new Relief(store.Context, writer).Step();
        Assert.Contains("is full", store.Context.Ledger.Trouble, StringComparison.Ordinal);
    }

    [MountTheory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Store_opens_on_a_disk_that_takes_nothing_and_serves_reads(
        bool isReadOnly, bool areHintsLost)
    {
        RecordStoreOptions options = Mount("8m");
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(options))
        {
            for (int i = 0; i < 200; i++)
            {
                await store.WriteAsync(RecordOf($"key {i}", $"value {i}"));
            }
        }

        if (areHintsLost)
        {
            Directory.Delete(Path.Combine(options.Folder, "hints"), recursive: true);
        }

        TakeEveryByte();
        if (isReadOnly)
        {
            Remount("ro");
        }

        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(options))
        {
            Assert.Equal(200, store.Status.Records);
            for (int i = 0; i < 200; i++)
            {
                Assert.Equal($"value {i}", TextOf(await store.ReadAsync($"key {i}")));
            }

            Record large = RecordOf("large", new string('y', 100_000));
            Assert.Equal(StoreOutcome.Failed, await store.WriteInTimeAsync(large));
            Assert.Contains(
                isReadOnly ? "read-only" : "is full", store.Status.Trouble, StringComparison.Ordinal);

            if (isReadOnly)
            {
                Remount("rw");
            }

            File.Delete(_folder.Combine("disk/others"));
            await EventuallyDurable(store, large);
        }

        await using LiteDbRecordStore after = LiteDbRecordStore.Open(options);
        Assert.Equal(0, after.Status.DamagedRecords);
        Assert.Equal(201, after.Status.Records);
    }

    private static async Task FillWithGarbageAsync(LiteDbRecordStore store)
    {
        StoreOutcome outcome = StoreOutcome.Durable;
        ulong clock = 1;
        for (; clock < 10_000 && outcome == StoreOutcome.Durable; clock++)
        {
            Record record = RecordOf($"key {clock % 20}", new string('x', 200_000), clock);
            outcome = await store.WriteAsync(record);
            if (clock % 100 == 0)
            {
                // So fast that the upkeep never gets to compact would be chance; so much is certain.
                Assert.InRange(store.Status.LiveBytes, 0, 20 * 201_000);
            }
        }
    }

    private static async Task EventuallyDurable(LiteDbRecordStore store, Record record)
    {
        StoreOutcome outcome = StoreOutcome.Failed;
        for (int attempt = 0; attempt < 600 && outcome != StoreOutcome.Durable; attempt++)
        {
            outcome = await store.WriteAsync(record);
            if (outcome != StoreOutcome.Durable)
            {
                await Task.Delay(50);
            }
        }

        Assert.Equal(StoreOutcome.Durable, outcome);
    }

    private void Remount(string mode) =>
        Assert.True(MountFactAttribute.Run("mount", "-o", "remount," + mode, _folder.Combine("disk")));

    private void TakeEveryByte()
    {
        using FileStream others = new(
            _folder.Combine("disk/others"), FileMode.Append, FileAccess.Write, FileShare.None, 0);
        try
        {
            while (true)
            {
                others.Write(new byte[4096]);
            }
        }
        catch (IOException)
        {
            // All taken.
        }
    }

    private RecordStoreOptions Mount(string size)
    {
        Directory.CreateDirectory(_folder.Combine("disk"));
        _isMounted = MountFactAttribute.Run(
            "mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", _folder.Combine("disk"));
        Assert.True(_isMounted, "mount failed");
        return new RecordStoreOptions
        {
            Folder = _folder.Combine("disk/store"),
            SegmentBytesMax = 256 * 1024,
        };
    }
}
