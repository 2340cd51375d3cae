using System.Text;
using System.Text.Json;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Protocol.Records;
using Igor.Testing;

namespace Igor.Dht.Cli.Tests;

public sealed class OneNodeTests : IDisposable
{
    private readonly TestHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task Value_put_without_a_daemon_is_there_for_the_next_command()
    {
        ProcessResult put = (await Cli.RunAsync(_home, "put", "greeting", "hello")).AssertDone();
        Assert.StartsWith("stored greeting (5 bytes) on 1 of 5 nodes\n", put.Text, StringComparison.Ordinal);

        ProcessResult get = (await Cli.RunAsync(_home, "get", "greeting")).AssertDone();
        Assert.Equal("hello", get.Text);
        Assert.Empty(get.Errors);
    }

    [Theory]
    [InlineData("--acks", "all")]
    [InlineData("--min-copies", "2")]
    public async Task Copies_that_one_node_cannot_make_are_a_failure_that_says_what_was_made(
        string option, string value)
    {
        string[] few = [option, value, "--timeout", "6", "--json"];
        foreach (string[] command in (string[][])[["put", "greeting", "hello"], ["delete", "greeting"]])
        {
            ProcessResult failed = await Cli.RunAsync(_home, [.. command, .. few]);
            Assert.True(failed.ExitCode == ExitCode.Unreachable, failed.Errors);
            Assert.Contains("1 of the 5 asked for", failed.Errors, StringComparison.Ordinal);
            JsonElement error = failed.Error;
            Assert.Equal("not_enough_replicas", error.GetProperty("kind").GetString());
            Assert.Equal(1, error.GetProperty("holders").GetArrayLength());
        }

        ProcessResult one = await Cli.RunAsync(
            _home, "put", "greeting", "hello", "--acks", "all", "--replicas", "1", "--json");
        Assert.Equal(1, one.AssertDone().Json.GetProperty("replicasAsked").GetInt32());
    }

    [Fact]
    public async Task Value_of_any_bytes_comes_back_byte_for_byte()
    {
        byte[] value = new byte[1024 * 1024];
        new Random(7).NextBytes(value);
        string file = _home.Path("value");
        string copy = _home.Path("copy");
        await File.WriteAllBytesAsync(file, value);

        (await Cli.RunAsync(_home, "put", "from file", "--file", file)).AssertDone();
        (await Cli.RunAsync(_home, value[..1000], "put", "from input")).AssertDone();
        (await Cli.RunAsync(_home, "put", "empty", string.Empty)).AssertDone();
        (await Cli.RunAsync(_home, "put", "hyphen", "--", "-value")).AssertDone();
        (await Cli.RunAsync(_home, "put", "at", "@value")).AssertDone();

        (await Cli.RunAsync(_home, "get", "from file", "--output", copy)).AssertDone();
        Assert.Equal(value, await File.ReadAllBytesAsync(copy));
        Assert.Equal(value[..1000], (await Cli.RunAsync(_home, "get", "from input")).AssertDone().Output);
        Assert.Empty((await Cli.RunAsync(_home, "get", "empty")).AssertDone().Output);
        Assert.Equal("-value", (await Cli.RunAsync(_home, "get", "hyphen")).AssertDone().Text);
        Assert.Equal("@value", (await Cli.RunAsync(_home, "get", "at")).AssertDone().Text);
    }

    [Fact]
    public async Task Deleted_record_is_not_found_and_said_to_be_deleted()
    {
        (await Cli.RunAsync(_home, "put", "greeting", "hello")).AssertDone();
        (await Cli.RunAsync(_home, "delete", "greeting")).AssertDone();
        ProcessResult result = await Cli.RunAsync(_home, "get", "greeting");
        result.AssertFailed(ExitCode.NotFound, "deleted");
    }

    [Fact]
    public async Task Immutable_record_is_found_by_the_key_of_its_receipt()
    {
        ProcessResult put = await Cli.RunAsync(_home, "content"u8.ToArray(), "put", "--immutable", "--json");
        string key = put.AssertDone().Json.GetProperty("key").GetString()!;
        Assert.Equal(DhtKey.ForImmutable("content"u8).ToString(), key);

        Assert.Equal("content", (await Cli.RunAsync(_home, "get", "--immutable", key)).AssertDone().Text);
        ProcessResult wrong = await Cli.RunAsync(_home, "get", "--immutable", "nonsense");
        wrong.AssertFailed(ExitCode.Usage, "64 hexadecimal");
    }

    [Fact]
    public async Task Node_that_serves_answers_commands_and_leaves_in_order()
    {
        (TestProcess node, string[] ready) = await Cli.ServeAsync(_home);
        using (node)
        {
            Assert.Equal("ready", ready[0]);
            Assert.StartsWith("127.0.0.1:", ready[1], StringComparison.Ordinal);

            ProcessResult put = await Cli.RunAsync(_home, "put", "greeting", "Grüße", "--json");
            JsonElement receipt = put.AssertDone().Json;
            string holder = receipt.GetProperty("holders")[0].GetString()!;
            Assert.Contains("node=" + holder, ready);
            Assert.Equal("Grüße", (await Cli.RunAsync(_home, "get", "greeting")).AssertDone().Text);

            JsonElement status = (await Cli.RunAsync(_home, "status", "--json")).AssertDone().Json;
            Assert.Equal(holder, status.GetProperty("nodeId").GetString());
            Assert.True(status.GetProperty("isJoined").GetBoolean());
            Assert.Equal(ExitCode.Done, await node.EndAsync(Signals.Terminate));
        }

        Assert.Equal("Grüße", (await Cli.RunAsync(_home, "get", "greeting")).AssertDone().Text);
    }

    [Fact]
    public async Task Node_joins_through_another_and_finds_its_records()
    {
        (TestProcess first, string[] ready) = await Cli.ServeAsync(_home, "--data", _home.Path("a"));
        using (first)
        {
            byte[] value = Encoding.UTF8.GetBytes("on the first node");
            (await Cli.RunAsync(_home, value, "put", "greeting", "--data", _home.Path("a"))).AssertDone();
            (TestProcess second, _) = await Cli.ServeAsync(
                _home, "--data", _home.Path("b"), "--bootstrap", ready[1]);
            using (second)
            {
                ProcessResult get = await Cli.RunAsync(_home, "get", "greeting", "--data", _home.Path("b"));
                Assert.Equal(value, get.AssertDone().Output);
            }
        }
    }
}
