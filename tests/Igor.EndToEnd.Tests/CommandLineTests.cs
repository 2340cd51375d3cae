using System.Text;
using System.Text.Json;
using Igor.EndToEnd.Processes;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

/// <summary>igor-dht as scripts use it, against a ring of real nodes.</summary>
public sealed class CommandLineTests(ITestOutputHelper output)
{
    private const int MebiByte = 1024 * 1024;

    [Fact]
    public Task Values_come_back_byte_for_byte_from_any_node() => Ring.RunAsync(3, output, async ring =>
    {
        string[] put = ["--socket", ring.Nodes[0].Socket];
        string[] get = ["--socket", ring.Nodes[2].Socket];
        byte[] binary = new byte[MebiByte];
        new Random(3).NextBytes(binary);
        string file = ring.Scratch("binary");
        await File.WriteAllBytesAsync(file, binary);

        (await Cli.RunAsync(["put", "argument", "grüße an alle", .. put])).ExitsWith(0);
        (await Cli.RunAsync(["put", "file", "--file", file, .. put])).ExitsWith(0);
        (await Cli.RunAsync(binary[..100_001], ["put", "stdin", .. put])).ExitsWith(0);
        (await Cli.RunAsync([], ["put", "empty", .. put])).ExitsWith(0);

        Assert.Equal("grüße an alle", (await Cli.RunAsync(["get", "argument", .. get])).ExitsWith(0).Text);
        Assert.Equal(binary, (await Cli.RunAsync(["get", "file", .. get])).ExitsWith(0).Output);
        Assert.Equal(binary[..100_001], (await Cli.RunAsync(["get", "stdin", .. get])).ExitsWith(0).Output);
        Assert.Empty((await Cli.RunAsync(["get", "empty", .. get])).ExitsWith(0).Output);

        string copy = ring.Scratch("copy");
        Assert.Empty((await Cli.RunAsync(["get", "file", "--output", copy, .. get])).ExitsWith(0).Output);
        Assert.Equal(binary, await File.ReadAllBytesAsync(copy));
    });

    [Fact]
    public Task Json_of_every_command_has_its_shape() => Ring.RunAsync(3, output, async ring =>
    {
        string[] node = ["--json", "--socket", ring.Nodes[0].Socket];
        ProcessResult put = (await Cli.RunAsync(["put", "poem", "so much depends", .. node])).ExitsWith(0);
        JsonElement receipt = put.Json;
        Assert.Equal("poem", receipt.GetProperty("name").GetString());
        Assert.Equal(15, receipt.GetProperty("bytes").GetInt32());
        Assert.Equal(5, receipt.GetProperty("replicasAsked").GetInt32());
        Assert.InRange(receipt.GetProperty("holders").GetArrayLength(), 2, 3);

        JsonElement found = (await Cli.RunAsync(["get", "poem", .. node])).ExitsWith(0).Json;
        Assert.Equal("so much depends", found.GetProperty("value").GetString());
        Assert.Equal(receipt.GetProperty("key").GetString(), found.GetProperty("key").GetString());
        Assert.Equal(receipt.GetProperty("version").GetString(), found.GetProperty("version").GetString());

        JsonElement status = (await Cli.RunAsync(["status", .. node])).ExitsWith(0).Json;
        Assert.True(status.GetProperty("isJoined").GetBoolean());
        Assert.Equal(2, status.GetProperty("neighbours").GetArrayLength());
        Assert.Equal(ring.Nodes[0].NodeId.ToString(), status.GetProperty("nodeId").GetString());
        Assert.Equal(0, status.GetProperty("troubles").GetArrayLength());

        JsonElement deleted = (await Cli.RunAsync(["delete", "poem", .. node])).ExitsWith(0).Json;
        Assert.NotEqual(
            receipt.GetProperty("version").GetString(), deleted.GetProperty("version").GetString());
        JsonElement gone = (await Cli.RunAsync(["get", "poem", .. node])).ExitsWith(2).Error;
        Assert.Equal("deleted", gone.GetProperty("kind").GetString());
    });

    [Fact]
    public Task Mistakes_have_exit_codes_and_say_what_is_wrong() => Ring.RunAsync(1, output, async ring =>
    {
        string[] node = ["--socket", ring.Nodes[0].Socket];
        (await Cli.RunAsync(["get", "nothing", .. node])).ExitsWith(2).SaysClearly("no record", "nothing");
        (await Cli.RunAsync(["get", "nothing", "--bogus", .. node])).ExitsWith(1).SaysClearly("--bogus");
        (await Cli.RunAsync(["fetch", "nothing", .. node])).ExitsWith(1).SaysClearly("fetch");
        (await Cli.RunAsync(["put", "x", "y", "--replicas", "99", .. node]))
            .ExitsWith(1).SaysClearly("--replicas", "99");
        (await Cli.RunAsync(["put", "x", "--file", "/no/such/file", .. node]))
            .ExitsWith(5).SaysClearly("/no/such/file");
        (await Cli.RunAsync(new byte[MebiByte + 1], ["put", "x", .. node]))
            .ExitsWith(4).SaysClearly("larger");
        (await Cli.RunAsync(["put", "x", "y", "--ttl", "soon", .. node]))
            .ExitsWith(1).SaysClearly("--ttl", "soon");

        string unreachable = FreePort.Address();
        (await Cli.RunAsync(
            "get", "x", "--data", ring.Scratch("none"), "--bootstrap", unreachable, "--timeout", "3"))
            .ExitsWith(3).SaysClearly(unreachable);
    });

    [Fact]
    public async Task Commands_without_a_daemon_keep_records_in_the_data_folder()
    {
        using var folder = new TemporaryFolder();
        string[] data = ["--data", folder.Combine("data")];
        ProcessResult put = (await Cli.RunAsync(["put", "greeting", "hello", .. data])).ExitsWith(0);
        ProcessResult get = (await Cli.RunAsync(["get", "greeting", .. data])).ExitsWith(0);
        Assert.Equal("hello", get.Text);
        Assert.Contains("1 of 5 nodes", put.Text, StringComparison.Ordinal);
        output.WriteLine(
            $"put {put.Elapsed.TotalMilliseconds:0} ms, get {get.FirstByte.TotalMilliseconds:0} ms");
    }

    [Fact]
    public Task First_byte_of_a_get_is_measured() => Ring.RunAsync(1, output, async ring =>
    {
        string[] node = ["--socket", ring.Nodes[0].Socket];
        (await Cli.RunAsync(["put", "greeting", RealText.Line(0), .. node])).ExitsWith(0);
        for (int i = 0; i < 5; i++)
        {
            ProcessResult get = (await Cli.RunAsync(["get", "greeting", .. node])).ExitsWith(0);
            Assert.Equal(RealText.Line(0), get.Text);
            output.WriteLine(
                $"first byte {get.FirstByte.TotalMilliseconds:0} ms,"
                + $" all {get.Elapsed.TotalMilliseconds:0} ms");
        }
    });

    [Fact]
    public async Task Demo_loses_nothing_and_cleans_up()
    {
        HashSet<string> before = [.. Directory.GetDirectories(Path.GetTempPath(), "igor-demo-*")];
        ProcessResult demo = await TestProcess.RunAsync(
            TestProcess.StartOf(Programs.IgorDht, "demo", "--records", "300", "--json"),
            [],
            TimeSpan.FromMinutes(2));
        output.WriteLine(demo.Text);
        demo.ExitsWith(0);
        Assert.Equal(300, demo.Json.GetProperty("acknowledged").GetInt32());
        Assert.Equal(300, demo.Json.GetProperty("readable").GetInt32());
        Assert.Equal(2, demo.Json.GetProperty("killed").GetArrayLength());
        Assert.Empty(Directory.GetDirectories(Path.GetTempPath(), "igor-demo-*").Except(before));
    }

    [Fact]
    public Task Text_of_a_receipt_is_for_people() => Ring.RunAsync(1, output, async ring =>
    {
        ProcessResult put = (await Cli.RunAsync(
            Encoding.UTF8.GetBytes(RealText.Line(7)), "put", "line", "--socket", ring.Nodes[0].Socket))
            .ExitsWith(0);
        Assert.StartsWith("stored line (", put.Text, StringComparison.Ordinal);
        Assert.Contains($"held by  {ring.Nodes[0].NodeId}", put.Text, StringComparison.Ordinal);
    });
}
