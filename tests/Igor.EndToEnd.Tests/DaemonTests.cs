using Igor.Dht;
using Igor.EndToEnd.Processes;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

/// <summary>The daemon has the connections, and a storage process attached to it the records.</summary>
public sealed class DaemonTests(ITestOutputHelper output)
{
    [Fact]
    public Task Records_outlive_the_daemon_of_their_store() => Ring.RunAsync(0, output, async ring =>
    {
        NodeProcess daemon = ring.Add(NodeProcess.Daemon(ring.NextSettings()));
        await daemon.StartAsync();
        NodeProcess storage = ring.Add(NodeProcess.Serve(ring.NextSettings() with
        {
            Socket = daemon.Socket,
            Listen = null,
            Bootstrap = [],
        }));
        await storage.StartAsync();
        Assert.Equal(daemon.NodeId, storage.NodeId);

        var ledger = new Ledger();
        await using IgorDht dht = await ring.OpenAsync(daemon);
        await Parallel.ForAsync(0, 100, async (i, _) =>
            Assert.True(await ledger.PutAsync(dht, $"opticks/{i}", RealText.Line(i))));
        Assert.Empty(await ledger.CheckAsync([dht]));

        // The daemon dies and returns: storage and client attach again by themselves.
        await daemon.KillAsync();
        await daemon.StartAsync();
        await UntilServedAsync(ledger, dht);

        // It leaves in order and returns.
        Assert.Equal(0, await daemon.TerminateAsync());
        await daemon.StartAsync();
        await UntilServedAsync(ledger, dht);
        Assert.True(await ledger.PutAsync(dht, "after", "all that"), "no put after the daemon's restarts");

        // So does the storage process, and finds its records.
        Assert.Equal(0, await storage.TerminateAsync());
        await storage.StartAsync();
        await UntilServedAsync(ledger, dht);
    });

    [Fact]
    public Task Daemon_ends_in_order_when_told_to() => Ring.RunAsync(0, output, async ring =>
    {
        NodeProcess daemon = ring.Add(NodeProcess.Daemon(ring.NextSettings()));
        await daemon.StartAsync();
        Assert.True(File.Exists(daemon.Socket));
        Assert.Equal(0, await daemon.TerminateAsync());
        Assert.False(File.Exists(daemon.Socket), "the socket's file is left behind");
    });

    [Fact]
    public async Task Daemon_says_clearly_what_is_wrong()
    {
        using var folder = new TemporaryFolder();
        string[] here = ["--data", folder.Combine("data"), "--listen", "127.0.0.1:0"];
        ProcessResult unknown = await RunAsync([.. here, "--bogus"]);
        unknown.ExitsWith(1).SaysClearly("--bogus");
        ProcessResult address = await RunAsync("--data", folder.Combine("data"), "--listen", "nonsense");
        Assert.InRange(address.ExitCode, 1, 5);
        address.SaysClearly("nonsense");
    }

    private static Task<ProcessResult> RunAsync(params string[] arguments) =>
        TestProcess.RunAsync(TestProcess.StartOf(Programs.Igord, arguments), []);

    private static Task UntilServedAsync(Ledger ledger, IgorDht dht) => Eventually.HoldsAsync(
        async () => await ledger.CheckAsync([dht]) is { Count: > 0 } wrong
            ? $"{wrong.Count} are not: {wrong[0]}"
            : null,
        "all records are served again");
}
