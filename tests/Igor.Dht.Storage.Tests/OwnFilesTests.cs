using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.OnDisk;
using Igor.Testing;
using static Igor.Dht.Storage.Tests.StoreTesting;

namespace Igor.Dht.Storage.Tests;

/// <summary>Records are their owner's alone.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class OwnFilesTests : IDisposable
{
    private const UnixFileMode Everybody = (UnixFileMode)0b111_111_111;
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnersFolder = OwnersFile | UnixFileMode.UserExecute;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Files_are_for_their_owner_whatever_the_mode_of_the_folder()
    {
        File.SetUnixFileMode(_folder.Path, Everybody);

        await Fill(_folder.Combine("store"));

        AssertOwners(_folder.Combine("store"));
        AssertOwners(_folder.Combine("backup"));
        Assert.Equal(Everybody, File.GetUnixFileMode(_folder.Path));
    }

    [Fact]
    public async Task Files_that_others_could_read_are_closed_to_them()
    {
        await Fill(_folder.Combine("store"));
        foreach (string path in Directory.EnumerateFileSystemEntries(
            _folder.Combine("store"), "*", SearchOption.AllDirectories))
        {
            File.SetUnixFileMode(path, Everybody);
        }

        await using (LiteDbRecordStore store = LiteDbRecordStore.Open(Options(_folder.Combine("store"))))
        {
            Assert.Equal("value", TextOf(await store.ReadAsync("key")));
        }

        AssertOwners(_folder.Combine("store"));
    }

    [Fact]
    public async Task Backup_leaves_the_mode_of_a_folder_that_is_there()
    {
        string folder = Directory.CreateDirectory(_folder.Combine("shared")).FullName;
        File.SetUnixFileMode(folder, Everybody);
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(Options(_folder.Combine("store")));
        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("key", "value")));

        await store.BackupAsync(folder);
        await Assert.ThrowsAsync<RecordStoreException>(() => store.BackupAsync(folder));

        Assert.Equal(Everybody, File.GetUnixFileMode(folder));
    }

    [Theory]
    [InlineData(0b000_000_000)]
    [InlineData(0b000_111_111)]
    public async Task Files_are_for_their_owner_whatever_the_umask(int mask)
    {
        int before = Umask(mask);
        try
        {
            await Fill(_folder.Combine("store"));
        }
        finally
        {
            _ = Umask(before);
        }

        AssertOwners(_folder.Combine("store"));
        AssertOwners(_folder.Combine("backup"));
    }

    private async Task Fill(string folder)
    {
        await using LiteDbRecordStore store = LiteDbRecordStore.Open(Options(folder));
        Assert.Equal(StoreOutcome.Durable, await store.WriteAsync(RecordOf("key", "value")));
        await store.BackupAsync(_folder.Combine("backup"));
    }

    private static RecordStoreOptions Options(string folder) => new() { Folder = folder };

    private static void AssertOwners(string folder)
    {
        Assert.Equal(OwnersFolder, File.GetUnixFileMode(folder));
        foreach (string path in Directory.EnumerateFileSystemEntries(
            folder, "*", SearchOption.AllDirectories))
        {
            UnixFileMode expected = Directory.Exists(path) ? OwnersFolder : OwnersFile;
            Assert.True(File.GetUnixFileMode(path) == expected, $"{path}: {File.GetUnixFileMode(path)}");
        }
    }

    [DllImport("libc", EntryPoint = "umask")]
    private static extern int Umask(int mask);
}
