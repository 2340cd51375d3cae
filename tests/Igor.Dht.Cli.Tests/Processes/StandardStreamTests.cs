using Igor.Dht.Cli.Failures;
using Igor.Testing;

namespace Igor.Dht.Cli.Tests;

/// <summary>Names of any bytes, and standard streams that are closed, full, or read by nobody.</summary>
public sealed class StandardStreamTests : IDisposable
{
    private readonly TestHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task Names_and_values_are_the_bytes_that_were_given()
    {
        ProcessResult result = await RunAsync(
            @"($IGOR put $'k\xff' $'A\xff' && $IGOR put $'k\xfe' B) >/dev/null && $IGOR get $'k\xff'");
        Assert.Equal([(byte)'A', 0xff], result.AssertDone().Output);

        ProcessResult receipt = (await RunAsync(@"$IGOR delete $'k\xfe\e[2J'")).AssertDone();
        Assert.StartsWith(@"deleted k\xfe\x1b[2J on", receipt.Text, StringComparison.Ordinal);
        (await RunAsync("$IGOR get \ufffd")).AssertFailed(ExitCode.NotFound, "\ufffd");
    }

    [Theory]
    [InlineData(@"put name value --network $'\xff'")]
    [InlineData(@"put name --file $'\xff'")]
    [InlineData(@"get $'\xff' --output $'\xff'")]
    [InlineData(@"status --data $'/tmp/\xff'")]
    public async Task Text_that_is_not_utf8_is_refused(string command)
    {
        ProcessResult result = await RunAsync("$IGOR " + command);
        result.AssertFailed(ExitCode.Usage, @"\xff");
    }

    [Theory]
    [InlineData("$IGOR put name <&-", "standard input is closed")]
    [InlineData("$IGOR put name value >&-", "the value is stored, but standard output is closed")]
    [InlineData("$IGOR put name value >/dev/full", "the value is stored, but standard output")]
    [InlineData("$IGOR put name value >/dev/null; $IGOR delete name >/dev/full", "No space left")]
    [InlineData("$IGOR put name value >/dev/null; $IGOR status >&-", "standard output is closed")]
    [InlineData("$IGOR --help >/dev/full", "No space left")]
    [InlineData("$IGOR demo >&-", "standard output is closed")]
    [InlineData("$IGOR serve --listen 127.0.0.1:0 >&-", "standard output is closed")]
    [InlineData("$IGOR serve --listen 127.0.0.1:0 >/dev/full", "No space left")]
    public async Task Stream_that_is_closed_or_full_is_local_trouble(string line, string cause)
    {
        ProcessResult result = await RunAsync(line);
        result.AssertFailed(ExitCode.Local, cause);
    }

    [Fact]
    public async Task Value_that_cannot_be_written_is_local_trouble_also_when_its_reader_goes()
    {
        (await Cli.RunAsync(_home, new byte[200_000], "put", "large")).AssertDone();
        (await RunAsync("$IGOR get large >&-")).AssertFailed(ExitCode.Local, "standard output is closed");
        (await RunAsync("$IGOR get large >/dev/full")).AssertFailed(ExitCode.Local, "No space left");

        ProcessResult gone = await RunAsync("$IGOR get large | true; exit ${PIPESTATUS[0]}");
        gone.AssertFailed(ExitCode.Local, "Broken pipe");
    }

    [Fact]
    public async Task Closed_standard_error_changes_no_exit_code()
    {
        Assert.Equal(ExitCode.NotFound, (await RunAsync("$IGOR get nothing 2>&-")).ExitCode);
        Assert.Equal(ExitCode.NotFound, (await RunAsync("$IGOR get nothing 2>/dev/full")).ExitCode);
    }

    [Fact]
    public async Task Hyphen_is_standard_input_and_output_and_a_redirection_is_appended_to()
    {
        (await Cli.RunAsync(_home, "value"u8.ToArray(), "put", "name", "--file", "-")).AssertDone();
        Assert.Equal("value", (await Cli.RunAsync(_home, "get", "name", "--output", "-")).AssertDone().Text);

        ProcessResult result = await RunAsync(
            "(echo 1; $IGOR get name; $IGOR get name -o /dev/stdout; $IGOR get name -o /dev/fd/1) >out; "
            + "$IGOR get name --output /dev/fd/5 5>>out; cat out");
        Assert.Equal("1\nvaluevaluevaluevalue", result.AssertDone().Text);
    }

    private Task<ProcessResult> RunAsync(string line) => Cli.RunShellAsync(_home, line);
}
