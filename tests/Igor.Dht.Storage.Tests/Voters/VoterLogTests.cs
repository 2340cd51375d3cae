using System.Text;
using Igor.Dht.Storage.Voters;
using Igor.Testing;

namespace Igor.Dht.Storage.Tests.Voters;

public sealed class VoterLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("igor-votes-").FullName;

    private string LogPath => Path.Combine(_folder, VoterLog.FileName);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Synced_entries_are_there_again_in_their_order()
    {
        ulong incarnation;
        await using (VoterLog log = Open())
        {
            incarnation = log.Incarnation;
            Assert.Empty(log.TakeKept());
            await WriteAsync(log, "one", "two");
            await WriteAsync(log, "three");
        }

        await using VoterLog again = Open();
        Assert.Equal(incarnation, again.Incarnation);
        Assert.Equal(["one", "two", "three"], Kept(again));
        Assert.False(again.WasDamaged);
    }

    [Fact]
    public async Task Sync_ends_with_all_that_was_appended_before_it_in_the_file()
    {
        await using VoterLog log = Open();
        await WriteAsync(log, "promise");
        Assert.Equal(["promise"], Texts(VoterFile.TryRead(ReadWhileOpen(), "net")!.Entries));
    }

    [Fact]
    public async Task Rewritten_log_holds_what_it_was_given_and_what_came_after()
    {
        await using (VoterLog log = Open())
        {
            await WriteAsync(log, [.. Enumerable.Range(0, 1000).Select(at => "old " + at)]);
            long before = new FileInfo(LogPath).Length;
            log.Append(Bytes("superseded"));
            log.Rewrite([Bytes("all")]);
            await WriteAsync(log, "later");
            Assert.InRange(new FileInfo(LogPath).Length, 1, before / 2);
        }

        await using VoterLog again = Open();
        Assert.Equal(["all", "later"], Kept(again));
    }

    [MountFact]
    public async Task Full_disk_is_waited_for_and_everything_is_kept_in_the_end()
    {
        Assert.True(MountFactAttribute.Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", _folder));
        try
        {
            string others = Path.Combine(_folder, "others");
            await using (VoterLog log = Open())
            {
                await WriteAsync(log, "one");
                Fill(others);
                string large = new('x', 100_000);
                log.Append(Bytes(large));
                var synced = new TaskCompletionSource<bool>();
                log.Sync(synced.SetResult);
                await Eventually.HoldsAsync(() => log.Trouble is not null, "the disk is full");
                Assert.Contains("is full", log.Trouble, StringComparison.Ordinal);
                Assert.False(synced.Task.IsCompleted);

                File.Delete(others);
                Assert.True(await synced.Task);
                Assert.Null(log.Trouble);
                Fill(others);
                log.Rewrite([Bytes("one"), Bytes(large), Bytes(large)]);
                var rewritten = new TaskCompletionSource<bool>();
                log.Sync(rewritten.SetResult);
                await Eventually.HoldsAsync(() => log.Trouble is not null, "the disk is full");
                File.Delete(others);
                Assert.True(await rewritten.Task);
            }

            await using VoterLog again = Open();
            Assert.Equal([1, 100_000, 100_000], Kept(again).Select((text, at) => at == 0 ? 1 : text.Length));
        }
        finally
        {
            MountFactAttribute.Run("umount", "-l", _folder);
        }
    }

    [Fact]
    public async Task Frame_that_is_half_there_at_the_end_is_dropped_and_written_over()
    {
        await FillAsync("one", "two");
        byte[] whole = File.ReadAllBytes(LogPath);
        File.WriteAllBytes(LogPath, whole[..^2]);

        ulong incarnation;
        await using (VoterLog log = Open())
        {
            incarnation = log.Incarnation;
            Assert.Equal(["one"], Kept(log));
            await WriteAsync(log, "instead");
        }

        await using VoterLog again = Open();
        Assert.Equal(incarnation, again.Incarnation);
        Assert.Equal(["one", "instead"], Kept(again));
    }

    [Fact]
    public async Task Every_damaged_byte_makes_another_incarnation_or_is_the_end()
    {
        ulong before = await FillAsync("first", "second", "third");
        byte[] whole = File.ReadAllBytes(LogPath);
        int lastFrame = whole.AsSpan().LastIndexOf("VIEW"u8);
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x10;
            File.WriteAllBytes(LogPath, damaged);
            await using VoterLog log = Open();
            if (at >= lastFrame)
            {
                Assert.Equal(before, log.Incarnation);
                Assert.Equal(["first", "second"], Kept(log));
            }
            else
            {
                Assert.True(log.WasDamaged, $"byte {at}");
                Assert.NotEqual(before, log.Incarnation);
                Assert.Empty(log.TakeKept());
            }
        }
    }

    [Fact]
    public async Task Log_that_was_lost_is_another_incarnation()
    {
        ulong before = await FillAsync("one");
        File.Delete(LogPath);
        await using VoterLog log = Open();
        Assert.NotEqual(before, log.Incarnation);
        Assert.False(log.WasDamaged);
    }

    [Fact]
    public async Task Log_of_another_network_is_put_aside()
    {
        ulong before = await FillAsync("one");
        await using VoterLog log = VoterLog.Open(_folder, "another");
        Assert.NotEqual(before, log.Incarnation);
        Assert.Empty(log.TakeKept());
    }

    [Fact]
    public async Task Disk_that_takes_nothing_ends_promises_for_good()
    {
        await using VoterLog log = Open();
        await WriteAsync(log, "one");
        Directory.CreateDirectory(Path.Combine(_folder, "views.new")); // in the way of a new file
        log.Rewrite([Bytes("all")]);
        Assert.False(await SyncAsync(log));
        Directory.Delete(Path.Combine(_folder, "views.new"));
        log.Append(Bytes("two"));
        Assert.False(await SyncAsync(log));
        Assert.NotNull(log.Trouble);
    }

    [Fact]
    public async Task Closed_log_keeps_nothing_and_says_so()
    {
        VoterLog log = Open();
        await log.DisposeAsync();
        Assert.False(await SyncAsync(log));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string[] Texts(IEnumerable<ReadOnlyMemory<byte>> entries) =>
        [.. entries.Select(entry => Encoding.UTF8.GetString(entry.Span))];

    private static string[] Kept(VoterLog log) => Texts(log.TakeKept());

    private static Task<bool> SyncAsync(VoterLog log)
    {
        var end = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        log.Sync(end.SetResult);
        return end.Task;
    }

    private static async Task WriteAsync(VoterLog log, params string[] entries)
    {
        foreach (string entry in entries)
        {
            log.Append(Bytes(entry));
        }

        Assert.True(await SyncAsync(log));
    }

    private static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1);
        byte[] page = new byte[4096];
        try
        {
            while (true)
            {
                file.Write(page);
            }
        }
        catch (IOException)
        {
            // Every byte is taken.
        }
    }

    private VoterLog Open() => VoterLog.Open(_folder, "net");

    private async Task<ulong> FillAsync(params string[] entries)
    {
        await using VoterLog log = Open();
        foreach (string entry in entries)
        {
            await WriteAsync(log, entry);
        }

        return log.Incarnation;
    }

    private byte[] ReadWhileOpen()
    {
        using var file = new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] content = new byte[file.Length];
        file.ReadExactly(content);
        return content;
    }
}
