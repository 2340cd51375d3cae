using System.Text;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Values;
using Igor.Testing;

namespace Igor.Dht.Cli.Tests;

public sealed class ValueSourceTests : IDisposable
{
    private const int BytesMax = 100_000;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Argument_is_taken_as_utf8()
    {
        Assert.Equal(Encoding.UTF8.GetBytes("Grüße"), await ReadAsync("Grüße", null));
    }

    [Fact]
    public async Task Empty_argument_is_an_empty_value()
    {
        Assert.Empty(await ReadAsync(string.Empty, null));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16 * 1024)]
    [InlineData(BytesMax)]
    public async Task Standard_input_is_read_to_its_end(int length)
    {
        byte[] input = Bytes(length);
        Assert.Equal(input, await ReadAsync(null, null, input));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(BytesMax)]
    public async Task File_is_read_whole(int length)
    {
        string path = _folder.Combine("value");
        await File.WriteAllBytesAsync(path, Bytes(length));
        Assert.Equal(Bytes(length), await ReadAsync(null, path));
    }

    [Fact]
    public async Task Value_that_is_too_large_is_refused_wherever_it_comes_from()
    {
        string path = _folder.Combine("large");
        await File.WriteAllBytesAsync(path, Bytes(BytesMax + 1));

        await AssertFailsAsync(ExitCode.Refused, () => ReadAsync(new string('x', BytesMax + 1), null));
        await AssertFailsAsync(ExitCode.Refused, () => ReadAsync(null, path));
        await AssertFailsAsync(ExitCode.Refused, () => ReadAsync(null, null, Bytes(BytesMax + 1)));
    }

    [Fact]
    public async Task Endless_input_is_refused_and_not_read_to_its_end()
    {
        using FileStream zeros = File.OpenRead("/dev/zero");
        var streams = new CommandStreams(zeros, Stream.Null, Stream.Null);
        await AssertFailsAsync(
            ExitCode.Refused,
            async () => await ValueSource.ReadAsync(null, null, streams, BytesMax, default));
    }

    [Fact]
    public async Task Value_given_twice_is_wrong_usage()
    {
        await AssertFailsAsync(ExitCode.Usage, () => ReadAsync("value", "file"));
    }

    [Fact]
    public async Task File_that_cannot_be_read_is_local_trouble()
    {
        await AssertFailsAsync(ExitCode.Local, () => ReadAsync(null, _folder.Combine("missing")));
        await AssertFailsAsync(ExitCode.Local, () => ReadAsync(null, _folder.Path));
    }

    private static async Task<byte[]> ReadAsync(string? argument, string? file, byte[]? input = null)
    {
        using var streams = new MemoryStreams(input ?? []);
        return (await ValueSource.ReadAsync(argument, file, streams.Streams, BytesMax, default)).ToArray();
    }

    private static async Task AssertFailsAsync(int exitCode, Func<Task> action)
    {
        CommandFailure failure = await Assert.ThrowsAsync<CommandFailure>(action);
        Assert.Equal(exitCode, failure.ExitCode);
    }

    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
