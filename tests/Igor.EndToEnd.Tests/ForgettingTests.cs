using System.Text.Json;
using Igor.EndToEnd.Processes;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

/// <summary>igor-dht forget, against a ring of real nodes of which most die for good.</summary>
public sealed class ForgettingTests(ITestOutputHelper output)
{
    [Fact]
    public Task Survivors_go_on_when_those_who_died_are_forgotten() => Ring.RunAsync(5, output, async ring =>
    {
        string[] at = ["--socket", ring.Nodes[0].Socket];
        (await Cli.RunAsync(["put", "name", "value", .. at])).ExitsWith(0);
        await ring.UntilHealedAsync();
        string alive = Json(await Cli.RunAsync(["status", "--json", "--socket", ring.Nodes[1].Socket]))
            .GetProperty("nodeId").GetString()!;
        await Ring.KillAsync([.. ring.Nodes.Skip(2)]);
        string[] missing = [];
        await Eventually.HoldsAsync(
            async () =>
            {
                missing = [.. Json(await Cli.RunAsync(["status", "--json", .. at]))
                    .GetProperty("missing").EnumerateArray().Select(id => id.GetString()!)];
                return missing.Length == 3;
            },
            "three are missing",
            patience: TimeSpan.FromSeconds(60));
        ProcessResult read = (await Cli.RunAsync(["get", "name", "--json", .. at])).ExitsWith(0);
        Assert.True(Json(read).GetProperty("isDegraded").GetBoolean());
        (await Cli.RunAsync(["put", "name", "other", "--timeout", "2", .. at])).ExitsWith(3);

        // It takes a whole id, of one that is missing, and a yes.
        (await Cli.RunAsync(["forget", missing[0][..8], .. at])).ExitsWith(1);
        (await Cli.RunAsync(["forget", missing[0], .. at])).ExitsWith(1);
        (await Cli.RunAsync(["forget", "--yes", alive, .. at])).ExitsWith(4);
        (await Cli.RunAsync(["forget", "--yes", new string('1', 64), .. at])).ExitsWith(2);
        foreach (string dead in missing)
        {
            ProcessResult forgot =
                (await Cli.RunAsync(["forget", "--yes", "--json", dead, .. at])).ExitsWith(0);
            Assert.Equal(dead, Json(forgot).GetProperty("node").GetString());
            Assert.Equal(2, Json(forgot).GetProperty("told").GetInt32());
        }

        ProcessResult put = (await Cli.RunAsync(["put", "name", "other", "--json", .. at])).ExitsWith(0);
        Assert.False(Json(put).GetProperty("isDegraded").GetBoolean());
        await Eventually.HoldsAsync(
            async () => !Json(await Cli.RunAsync(["get", "name", "--json", .. at]))
                .GetProperty("isDegraded").GetBoolean(),
            "reads are not marked any more",
            patience: TimeSpan.FromSeconds(30));
    });

    private static JsonElement Json(ProcessResult result)
    {
        using JsonDocument json = JsonDocument.Parse(result.Text);
        return json.RootElement.Clone();
    }
}
