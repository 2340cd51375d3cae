using Igor.Node.Disk;
using Igor.Node.Reporting;
using Igor.Testing;

namespace Igor.Node.Tests;

public sealed class DataFolderTests
{
    [Fact]
    public void Folder_that_is_not_there_is_created_for_its_owner_only()
    {
        using var temporary = new TemporaryFolder();
        string path = temporary.Combine("a/b");
        using DataFolder folder = DataFolder.Open(path);
        Assert.Equal(path, folder.Path);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
                File.GetUnixFileMode(path));
        }
    }

    [Fact]
    public void Second_node_on_the_same_folder_is_refused_until_the_first_is_gone()
    {
        using var temporary = new TemporaryFolder();
        using (DataFolder.Open(temporary.Path))
        {
            var problem = Assert.Throws<NodeStartException>(() => DataFolder.Open(temporary.Path));
            Assert.Contains(temporary.Path, problem.Message, StringComparison.Ordinal);
            Assert.Contains("Another node", problem.Message, StringComparison.Ordinal);
        }

        DataFolder.Open(temporary.Path).Dispose();
    }

    [Fact]
    public void File_in_place_of_the_folder_is_refused_by_name()
    {
        using var temporary = new TemporaryFolder();
        string path = temporary.Combine("file");
        File.WriteAllText(path, "x");
        var problem = Assert.Throws<NodeStartException>(() => DataFolder.Open(path));
        Assert.Contains(path, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(28, "disk is full")]
    [InlineData(30, "read-only")]
    [InlineData(122, "quota")]
    public void Trouble_of_the_disk_is_told_apart(int errorNumber, string cause)
    {
        var problem = DiskTrouble.Explain("write", "/data", new IOException("E", errorNumber));
        Assert.Contains(cause, problem.Message, StringComparison.Ordinal);
        Assert.Contains("/data", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_permission_is_told()
    {
        var problem = DiskTrouble.Explain("write", "/data", new UnauthorizedAccessException("no"));
        Assert.Contains("permission denied", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_only_file_system_is_told_even_where_permission_is_what_the_platform_says()
    {
        var inner = new IOException("E", 30);
        var problem = DiskTrouble.Explain("write", "/data", new UnauthorizedAccessException("no", inner));
        Assert.Contains("read-only", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Path_that_was_altered_is_refused_and_nothing_is_made()
    {
        using var temporary = new TemporaryFolder();
        Assert.Throws<NodeStartException>(() => DataFolder.Open(temporary.Combine("a\ufffd")));
        Assert.Throws<NodeStartException>(() => DataFolder.Open(temporary.Combine("a\ud800")));
        Assert.Empty(Directory.GetFileSystemEntries(temporary.Path));
    }

    [Fact]
    public async Task Node_whose_start_is_cancelled_leaves_nothing_behind()
    {
        using var temporary = new TemporaryFolder();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => IgorNode.StartAsync(
            new IgorNodeOptions { DataFolder = temporary.Combine("data") },
            cancellationToken: new CancellationToken(canceled: true)));
        Assert.Empty(Directory.GetFileSystemEntries(temporary.Path));
    }

    [Fact]
    public void Durable_file_replaces_only_when_asked_to()
    {
        using var temporary = new TemporaryFolder();
        string path = temporary.Combine("file");
        DurableFile.Write(path, "one"u8, replace: false);
        Assert.Throws<IOException>(() => DurableFile.Write(path, "two"u8, replace: false));
        Assert.Equal("one", File.ReadAllText(path));
        DurableFile.Write(path, "three"u8, replace: true);
        Assert.Equal("three", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(temporary.Path));
    }
}
