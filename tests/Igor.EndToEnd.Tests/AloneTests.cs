using Igor.EndToEnd.Processes;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

/// <summary>Programs whose node reaches nobody, or is not the only one with its identity.</summary>
public sealed class AloneTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Node_that_reaches_nobody_says_so_everywhere()
    {
        using var folder = new TemporaryFolder();
        using NodeProcess node = NodeProcess.Serve(new NodeSettings
        {
            Data = folder.Combine("data"),
            Network = folder.Path[^8..],
            Bootstrap = ["127.0.0.1:1"],
        });
        await node.StartAsync();
        output.WriteLine(node.Log);
        Assert.StartsWith(
            "ready alone connection refused at 127.0.0.1:1; ", node.Log, StringComparison.Ordinal);
        string[] there = ["--socket", node.Socket, "--timeout", "1"];
        (await Cli.RunAsync(["status", "--check", .. there])).ExitsWith(3);
        (await Cli.RunAsync(["put", "k", "v", .. there])).ExitsWith(3).SaysClearly("127.0.0.1:1", "--found");
        (await Cli.RunAsync(["get", "k", .. there])).ExitsWith(3).SaysClearly("127.0.0.1:1", "--found");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task Copy_of_a_data_folder_that_is_in_use_ends_with_5(bool isDaemon) => Ring.RunAsync(
        2,
        output,
        async ring =>
        {
            NodeProcess original = ring.Nodes[1];
            NodeSettings settings = ring.NextSettings() with { Bootstrap = [ring.Nodes[0].Address] };
            Directory.CreateDirectory(settings.Data);
            File.Copy(
                Path.Combine(original.Data, "identity.pem"), Path.Combine(settings.Data, "identity.pem"));
            using NodeProcess copy =
                isDaemon ? NodeProcess.Daemon(settings) : NodeProcess.Serve(settings);
            copy.Start();
            Assert.Equal(5, await copy.UntilExitedAsync());
            Assert.Contains(original.Address, copy.Log, StringComparison.Ordinal);
            ProcessResult check = await Cli.RunAsync("status", "--check", "--socket", original.Socket);
            check.ExitsWith(3);
            Assert.Contains(settings.Listen!, check.Text, StringComparison.Ordinal);
            Assert.True(original.IsAlive);
        });

    [Fact]
    public async Task Daemon_without_a_storage_node_says_what_is_missing()
    {
        using var folder = new TemporaryFolder();
        using NodeProcess daemon = NodeProcess.Daemon(new NodeSettings
        {
            Data = folder.Combine("data"),
            Network = folder.Path[^8..],
        });
        await daemon.StartAsync();
        ProcessResult check = await Cli.RunAsync("status", "--check", "--socket", daemon.Socket);
        check.ExitsWith(3);
        Assert.Contains($"igor-dht serve --socket {daemon.Socket}", check.Text, StringComparison.Ordinal);
    }
}
