using System.Text.Json;
using Igor.Dht.Cli.Failures;

namespace Igor.Dht.Cli.Tests;

public class UsageTests
{
    [Theory]
    [InlineData("", "command")]
    [InlineData("frobnicate", "'frobnicate'")]
    [InlineData("get", "KEY")]
    [InlineData("put", "KEY")]
    [InlineData("delete", "KEY")]
    [InlineData("get a b", "'b'")]
    [InlineData("get --colour red", "--colour")]
    [InlineData("put --colour", "--colour")]
    [InlineData("put name -x", "-x")]
    [InlineData("put name value --ttl 5", "--ttl")]
    [InlineData("put name value --ttl", "--ttl")]
    [InlineData("put name value --replicas 0", "--replicas")]
    [InlineData("put name value --replicas 9", "--replicas")]
    [InlineData("put name value --acks most", "--acks")]
    [InlineData("put name value --min-copies 0", "--min-copies")]
    [InlineData("put name value --min-copies 9", "--min-copies")]
    [InlineData("put name value --min-copies 6", "--replicas")]
    [InlineData("delete name --replicas 2 --min-copies 3", "--min-copies")]
    [InlineData("put name value --timeout 0", "--timeout")]
    [InlineData("put name value --timeout 601", "--timeout")]
    [InlineData("put name value --timeout soon", "--timeout")]
    [InlineData("put name value --file value", "--file")]
    [InlineData("put --immutable name value", "immutable")]
    [InlineData("get name --consistency none", "--consistency")]
    [InlineData("store", "igor-dht store --help")]
    [InlineData("store adopt --colour", "igor-dht store adopt --help")]
    [InlineData("store adopt", "--network")]
    [InlineData("demo --records 0", "--records")]
    [InlineData("demo --seed x", "--seed")]
    public async Task Wrong_usage_is_one_line_that_names_the_cause(string arguments, string cause)
    {
        (int code, string output, string error) = await RunAsync(arguments);

        Assert.Equal(ExitCode.Usage, code);
        Assert.Empty(output);
        Assert.StartsWith("igor-dht: ", error, StringComparison.Ordinal);
        Assert.Equal(1, error.Count(character => character == '\n'));
        Assert.Contains(cause, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--data")]
    [InlineData("--socket")]
    [InlineData("--listen")]
    [InlineData("--network")]
    [InlineData("--bootstrap")]
    public async Task Empty_value_is_wrong_usage(string option)
    {
        foreach (string command in (string[])["put", "get", "delete", "serve", "status"])
        {
            using var streams = new MemoryStreams();
            string[] key = command is "serve" or "status" ? [] : ["key"];
            int code = await CommandLineProgram.RunAsync([command, .. key, option, ""], streams.Streams);
            Assert.True(code == ExitCode.Usage, $"{command}: {code}, {streams.ErrorText}");
            Assert.Contains(option, streams.ErrorText, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Wrong_usage_with_json_is_an_object()
    {
        (int code, _, string error) = await RunAsync("get --json");

        Assert.Equal(ExitCode.Usage, code);
        JsonElement failure = JsonDocument.Parse(error).RootElement.GetProperty("error");
        Assert.Equal("usage", failure.GetProperty("kind").GetString());
        Assert.Equal(1, failure.GetProperty("exitCode").GetInt32());
    }

    [Theory]
    [InlineData("put")]
    [InlineData("get")]
    [InlineData("delete")]
    [InlineData("serve")]
    [InlineData("status")]
    [InlineData("store adopt")]
    [InlineData("demo")]
    public async Task Help_of_a_command_ends_with_examples(string command)
    {
        (int code, string output, _) = await RunAsync(command + " --help");

        Assert.Equal(ExitCode.Done, code);
        Assert.Contains("Examples:\n  igor-dht " + command, output, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Out, string Error)> RunAsync(string arguments)
    {
        using var streams = new MemoryStreams();
        int code = await CommandLineProgram.RunAsync(
            arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), streams.Streams);
        return (code, streams.OutText, streams.ErrorText);
    }
}
