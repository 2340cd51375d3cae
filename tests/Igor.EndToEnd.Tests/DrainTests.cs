using System.Globalization;
using System.Text.Json;
using Igor.EndToEnd.Processes;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

/// <summary>igor-dht drain, against a ring of real nodes.</summary>
public sealed class DrainTests(ITestOutputHelper output)
{
    private const int Names = 30;

    [Fact]
    public Task Three_of_six_drained_and_stopped_right_after_one_another_take_nothing_with_them() =>
        Ring.RunAsync(
            6,
            output,
            async ring =>
            {
                string[] last = ["--socket", ring.Nodes[5].Socket];
                for (int at = 0; at < Names; at++)
                {
                    string number = at.ToString(CultureInfo.InvariantCulture);
                    (await Cli.RunAsync(["put", "v" + number, number, .. last])).ExitsWith(0);
                }

                (await Cli.RunAsync(["put", "--type", "register", "r", "one", .. last])).ExitsWith(0);
                await using (Dht.IgorDht dht = await ring.OpenAsync(ring.Nodes[5]))
                {
                    await Eventually.HoldsAsync(
                        async () => (await dht.GetRegisterAsync("r")).Voters == 5,
                        "five vote about the register",
                        patience: TimeSpan.FromSeconds(60));
                }

                foreach (NodeProcess going in ring.Nodes.Take(3))
                {
                    ProcessResult drained = (await Cli.RunAsync(
                        ["drain", "--json", "--within", "60s", "--socket", going.Socket])).ExitsWith(0);
                    string end = drained.Text.TrimEnd().Split('\n')[^1];
                    using JsonDocument json = JsonDocument.Parse(end);
                    Assert.Equal("drained", json.RootElement.GetProperty("stage").GetString());
                    Assert.Equal(0, json.RootElement.GetProperty("cells").GetInt32());
                    Assert.Equal(0, await going.TerminateAsync());
                }

                for (int at = 0; at < Names; at++)
                {
                    string number = at.ToString(CultureInfo.InvariantCulture);
                    ProcessResult read =
                        (await Cli.RunAsync(["get", "v" + number, "--json", .. last])).ExitsWith(0);
                    Assert.False(read.Json.GetProperty("isDegraded").GetBoolean(), read.Text);
                }

                ProcessResult register =
                    (await Cli.RunAsync(["get", "--type", "register", "r", .. last])).ExitsWith(0);
                Assert.Equal("one", register.Text);
                ProcessResult absent =
                    (await Cli.RunAsync(["get", "nothing", "--json", .. last])).ExitsWith(2);
                Assert.DoesNotContain("degraded", absent.Errors, StringComparison.Ordinal);

                // Started again they are ordinary members.
                await ring.ReviveAsync([ring.Nodes[0]]);
                await ring.UntilHealedAsync();
                string[] back = ["--socket", ring.Nodes[0].Socket];
                Assert.Equal("7", (await Cli.RunAsync(["get", "v7", .. back])).ExitsWith(0).Text);
            },
            voteAfter: "1s");

    [Fact]
    public Task Drain_says_why_it_cannot_and_the_node_goes_on() => Ring.RunAsync(1, output, async ring =>
    {
        string[] at = ["--socket", ring.Nodes[0].Socket];
        (await Cli.RunAsync(["put", "name", "value", "--acks", "one", .. at])).ExitsWith(0);
        ProcessResult alone = (await Cli.RunAsync(["drain", .. at])).ExitsWith(3);
        Assert.Contains("no other member", alone.Errors, StringComparison.Ordinal);
        Assert.Contains("a member as before", alone.Errors, StringComparison.Ordinal);
        Assert.Equal("value", (await Cli.RunAsync(["get", "name", .. at])).ExitsWith(0).Text);
        ProcessResult nobody = await Cli.RunAsync(["drain", "--socket", ring.Scratch("nobody")]);
        nobody.ExitsWith(5);
        (await Cli.RunAsync(["drain", "--within", "soon", .. at])).ExitsWith(1);
    });
}
