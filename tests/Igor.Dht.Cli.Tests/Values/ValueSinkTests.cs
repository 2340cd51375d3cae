using System.Runtime.Versioning;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Values;
using Igor.Testing;

namespace Igor.Dht.Cli.Tests;

public sealed class ValueSinkTests : IDisposable
{
    private static readonly byte[] s_value = [0, 10, 13, 255, 26, 0];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Value_goes_to_standard_output_byte_for_byte()
    {
        using var streams = new MemoryStreams();
        await ValueSink.WriteAsync(null, s_value, streams.Streams, default);
        Assert.Equal(s_value, streams.Out.ToArray());
    }

    [Fact]
    public async Task File_is_replaced_and_nothing_is_left_beside_it()
    {
        string path = _folder.Combine("value");
        await File.WriteAllTextAsync(path, "before, and longer than what comes");
        await WriteAsync(path);

        Assert.Equal(s_value, await File.ReadAllBytesAsync(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task File_that_does_not_exist_is_made()
    {
        string path = _folder.Combine("value");
        await WriteAsync(path);
        Assert.Equal(s_value, await File.ReadAllBytesAsync(path));
    }

    [Fact]
    public async Task Link_stays_a_link_and_its_target_gets_the_value()
    {
        string target = _folder.Combine("target");
        string link = _folder.Combine("link");
        await File.WriteAllTextAsync(target, "before");
        File.CreateSymbolicLink(link, target);
        await WriteAsync(link);

        Assert.Equal(s_value, await File.ReadAllBytesAsync(target));
        Assert.Equal(target, File.ResolveLinkTarget(link, returnFinalTarget: false)?.FullName);
    }

    [Fact]
    public async Task Folder_that_does_not_exist_is_local_trouble()
    {
        CommandFailure failure = await Assert.ThrowsAsync<CommandFailure>(
            () => WriteAsync(_folder.Combine("missing/value")));
        Assert.Equal(ExitCode.Local, failure.ExitCode);
        Assert.Contains("missing", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Device_is_written_to_and_not_replaced()
    {
        await WriteAsync("/dev/null");
        Assert.Empty(await File.ReadAllBytesAsync("/dev/null"));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task File_that_is_replaced_keeps_its_mode()
    {
        string path = _folder.Combine("value");
        await File.WriteAllTextAsync(path, "before");
        const UnixFileMode Mode =
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(path, Mode);
        await WriteAsync(path);

        Assert.Equal(s_value, await File.ReadAllBytesAsync(path));
        Assert.Equal(Mode, File.GetUnixFileMode(path));
    }

    [Fact]
    public async Task Name_may_be_as_long_as_names_can_be()
    {
        string path = _folder.Combine(new string('n', 255));
        await WriteAsync(path);
        await WriteAsync(path);
        Assert.Equal(s_value, await File.ReadAllBytesAsync(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task Link_to_nothing_gets_its_target()
    {
        string link = _folder.Combine("link");
        File.CreateSymbolicLink(link, "target");
        await WriteAsync(link);
        Assert.Equal(s_value, await File.ReadAllBytesAsync(_folder.Combine("target")));
        Assert.NotNull(File.ResolveLinkTarget(link, returnFinalTarget: false));
    }

    [Fact]
    public async Task Folder_is_not_a_place_for_a_value()
    {
        CommandFailure failure = await Assert.ThrowsAsync<CommandFailure>(() => WriteAsync(_folder.Path));
        Assert.Equal(ExitCode.Local, failure.ExitCode);
        Assert.Contains("is a folder", failure.Message, StringComparison.Ordinal);
    }

    private static async Task WriteAsync(string path)
    {
        using var streams = new MemoryStreams();
        await ValueSink.WriteAsync(path, s_value, streams.Streams, default);
        Assert.Equal(0, streams.Out.Length);
    }
}
