using System.Globalization;
using System.Text;
using System.Text.Json;
using Igor.Dht;
using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Records;
using Igor.EndToEnd.Processes;
using Igor.Kbr;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

/// <summary>Registers of a ring of real processes.</summary>
public sealed class RegisterTests(ITestOutputHelper output)
{
    private const string Counter = "counter";

    [Fact]
    public Task Counter_loses_no_increment_while_its_coordinators_are_killed() => Ring.RunAsync(
        5,
        output,
        async ring =>
        {
            await using IgorDht first = await ring.OpenAsync(ring.Nodes[0]);
            RegisterResult founded = await first.PutRegisterAsync(
                Counter, "0"u8.ToArray(), new RegisterOptions { IfAbsent = true });
            Assert.Equal(RegisterOutcomeKind.Written, founded.Outcome);
            await Eventually.HoldsAsync(
                async () => (await first.GetRegisterAsync(Counter)).Voters == 5,
                "all five vote about the counter",
                patience: TimeSpan.FromSeconds(60));

            int done = 0;
            int unknown = 0;
            using var ending = new CancellationTokenSource();
            Task[] workers = [.. ring.Nodes.Select(node => Task.Run(() => IncrementAsync(node)))];
            for (int death = 0; death < 3; death++)
            {
                int before = Volatile.Read(ref done);
                await Eventually.HoldsAsync(
                    () => Volatile.Read(ref done) >= before + 50,
                    "50 further increments are done",
                    patience: TimeSpan.FromSeconds(60));
                NodeProcess coordinator = RootOf(ring.Alive);
                await coordinator.KillAsync();
                int atDeath = Volatile.Read(ref done);
                await Eventually.HoldsAsync(
                    () => Volatile.Read(ref done) >= atDeath + 50,
                    "50 increments are done without the coordinator that was killed",
                    patience: TimeSpan.FromSeconds(60));
                await ring.ReviveAsync([coordinator]);
            }

            await ending.CancelAsync();
            await Task.WhenAll(workers);
            await using IgorDht last = await ring.OpenAsync(ring.Nodes[1]);
            RegisterResult read = await last.GetRegisterAsync(Counter);
            int counted = int.Parse(Encoding.UTF8.GetString(read.Value.Span), CultureInfo.InvariantCulture);
            output.WriteLine($"{done} increments done, {unknown} of which nobody knows, {counted} counted");
            Assert.InRange(counted, done, done + unknown);

            async Task IncrementAsync(NodeProcess node)
            {
                await using IgorDht dht = await ring.OpenAsync(node);
                var quick = new RegisterOptions { Timeout = TimeSpan.FromSeconds(5) };
                while (!ending.IsCancellationRequested)
                {
                    bool isWriting = false;
                    try
                    {
                        RegisterResult now = await dht.GetRegisterAsync(Counter, quick);
                        int value = int.Parse(
                            Encoding.UTF8.GetString(now.Value.Span), CultureInfo.InvariantCulture);
                        isWriting = true;
                        RegisterResult end = await dht.PutRegisterAsync(
                            Counter,
                            Encoding.UTF8.GetBytes((value + 1).ToString(CultureInfo.InvariantCulture)),
                            quick with { IfVersion = now.Version });
                        Interlocked.Add(ref done, end.Outcome == RegisterOutcomeKind.Written ? 1 : 0);
                    }
                    catch (DhtException failure)
                    {
                        bool mayBeDone = isWriting && failure.Error != DhtError.Unreachable;
                        Interlocked.Add(ref unknown, mayBeDone ? 1 : 0);
                        await Task.Delay(20);
                    }
                }
            }
        },
        voteAfter: "1s");

    [Fact]
    public Task Commands_write_on_a_condition_and_show_versions() => Ring.RunAsync(1, output, async ring =>
    {
        string[] at = ["--socket", ring.Nodes[0].Socket, "--network", ring.Network];
        Task<ProcessResult> RunAsync(params string[] arguments) => Cli.RunAsync([.. arguments, .. at]);

        ProcessResult absent = await RunAsync("get", "--type", "register", "lock");
        Assert.Equal(2, absent.ExitCode);

        ProcessResult put = await RunAsync(
            "put", "--type", "register", "lock", "mine", "--if-absent", "--json");
        Assert.Equal(0, put.ExitCode);
        string version = put.Json.GetProperty("version").GetString()!;

        ProcessResult again = await RunAsync("put", "--type", "register", "lock", "yours", "--if-absent");
        Assert.Equal(6, again.ExitCode);
        Assert.Contains(version, again.Errors, StringComparison.Ordinal);

        ProcessResult get = await RunAsync("get", "--type", "register", "lock");
        Assert.Equal((0, "mine"), (get.ExitCode, get.Text));
        Assert.Contains($"version {version}", get.Errors, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync(
            "put", "--type", "register", "lock", "yours", "--if-version", version)).ExitCode);
        Assert.Equal(6, (await RunAsync(
            "delete", "--type", "register", "lock", "--if-version", version)).ExitCode);
        Assert.Equal(0, (await RunAsync("delete", "--type", "register", "lock")).ExitCode);
        Assert.Equal(2, (await RunAsync("get", "--type", "register", "lock", "--json")).ExitCode);

        ProcessResult list = await RunAsync("registers", "list", "--json");
        Assert.Equal(0, list.ExitCode);
        JsonElement lineage = Assert.Single(list.Json.GetProperty("lineages").EnumerateArray().ToArray());
        Assert.Equal(256, lineage.GetProperty("cells").GetInt32());
        Assert.Equal(1, lineage.GetProperty("registers").GetInt32());
        string id = lineage.GetProperty("id").GetString()!;
        Assert.Equal(0, (await RunAsync("registers", "resolve", "--keep", id)).ExitCode);
        string other = new('0', 32);
        Assert.Equal(2, (await RunAsync("registers", "resolve", "--yes", "--keep", other)).ExitCode);
        Assert.Equal(1, (await RunAsync("registers", "resolve")).ExitCode);

        ProcessResult wrong = await RunAsync("put", "lock", "mine", "--if-absent");
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains("--type register", wrong.Errors, StringComparison.Ordinal);
        Assert.Equal(1, (await RunAsync("put", "--type", "register", "a", "b", "--ttl", "1d")).ExitCode);
        Assert.Equal(1, (await RunAsync(
            "put", "--type", "register", "a", "b", "--if-version", "7")).ExitCode);
    });

    // Who is nearest to the middle of the counter's cell coordinates it.
    private static NodeProcess RootOf(IReadOnlyList<NodeProcess> nodes)
    {
        byte[] middle = new byte[Key.SizeInBytes];
        DhtKey.ForRegister(Counter).Write(middle);
        Array.Clear(middle, 1, middle.Length - 1);
        middle[1] = 0x80;
        var anchor = Key.Read(middle);
        return nodes.MinBy(node => node.NodeId, Comparer<Key>.Create(anchor.CompareNearness))!;
    }
}
