using System.Diagnostics;
using Igor.Dht.Storage;
using static Igor.Dht.Tests.Storage.StoreTesting;

namespace Igor.Dht.Tests.Storage;

/// <summary>A test that mounts a file system of its own.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MountFactAttribute : FactAttribute
{
    public MountFactAttribute()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess || !CanMount())
        {
            Skip = "Mounting a small tmpfs needs Linux and the permission to mount (root).";
        }
    }

    private static bool CanMount()
    {
        string folder = Directory.CreateTempSubdirectory("igor-mount-").FullName;
        try
        {
            return Run("mount", "-t", "tmpfs", "tmpfs", folder) && Run("umount", folder);
        }
        finally
        {
            Directory.Delete(folder);
        }
    }

    internal static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}

public sealed class FullDiskTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private bool _isMounted;

    public void Dispose()
    {
        if (_isMounted)
        {
            MountFactAttribute.Run("umount", "-l", _folder["disk"]);
        }

        _folder.Dispose();
    }

    [MountFact]
    public async Task Disk_full_fails_writes_and_goes_on_when_there_is_room()
    {
        RecordStoreOptions options = Mount("3m");
        string ballast = Path.Combine(_folder["disk"], "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[1024 * 1024]);
        string value = new('x', 3000);
        var durable = new HashSet<int>();
        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(options))
        {
            StoreOutcome outcome = StoreOutcome.Durable;
            for (int i = 0; i < 1000 && outcome == StoreOutcome.Durable; i++)
            {
                outcome = await store.WriteAsync(RecordOf($"key {i}", value));
                if (outcome == StoreOutcome.Durable)
                {
                    durable.Add(i);
                }
            }

            Assert.Equal(StoreOutcome.Failed, outcome);
            Assert.Contains("is full", store.Status.Trouble, StringComparison.Ordinal);
            Assert.Equal(value, TextOf(await store.ReadAsync("key 0")));
            Assert.Equal(
                StoreOutcome.Failed, await store.WriteAsync(RecordOf("large", new string('y', 100_000))));

            File.Delete(ballast);
            for (int i = 2000; i < 2050; i++)
            {
                Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf($"key {i}", value)));
                durable.Add(i);
            }

            await Eventually.True(() => store.Status.Trouble is null, "the trouble is over");
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
    public void Open_on_a_read_only_file_system_says_so()
    {
        RecordStoreOptions options = Mount("4m");
        Assert.True(MountFactAttribute.Run("mount", "-o", "remount,ro", _folder["disk"]));

        RecordStoreException e = Assert.Throws<RecordStoreException>(() => LiteDbRecordStore.Open(options));

        Assert.Contains("read-only", e.Message, StringComparison.Ordinal);
        Assert.Contains(options.Folder, e.Message, StringComparison.Ordinal);
    }

    private RecordStoreOptions Mount(string size)
    {
        Directory.CreateDirectory(_folder["disk"]);
        _isMounted = MountFactAttribute.Run(
            "mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", _folder["disk"]);
        Assert.True(_isMounted, "mount failed");
        return new RecordStoreOptions
        {
            Folder = Path.Combine(_folder["disk"], "store"),
            SegmentBytesMax = 256 * 1024,
            IndexBatchRecords = 50,
        };
    }
}
