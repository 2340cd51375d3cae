using Igor.Dht;
using Igor.EndToEnd.Processes;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

/// <summary>How nodes end, by force and in order.</summary>
public sealed class DeathAndDepartureTests(ITestOutputHelper output)
{
    [Fact]
    public Task Killed_node_has_every_acknowledged_record() => Ring.RunAsync(1, output, async ring =>
    {
        NodeProcess node = ring.Nodes[0];
        var ledger = new Ledger();
        var quick = new PutOptions { Timeout = TimeSpan.FromSeconds(1) };
        for (int round = 0; round < 3; round++)
        {
            IgorDht dht = await ring.OpenAsync(node);
            int from = ledger.Acknowledged;
            Task[] writers =
                [.. Enumerable.Range(0, 32).Select(writer => WriteUntilRefusedAsync(dht, writer, round))];
            await Eventually.HoldsAsync(
                () => ledger.Acknowledged >= from + 300,
                "300 puts are acknowledged",
                patience: TimeSpan.FromSeconds(30));
            await node.KillAsync();
            await Task.WhenAll(writers);
            await dht.DisposeAsync();

            await ring.ReviveAsync([node]);
            await using IgorDht again = await ring.OpenAsync(node);
            Assert.Empty(await ledger.CheckAsync([again]));
            output.WriteLine($"death {round + 1}: {ledger.Acknowledged} acknowledged records, all there");
        }

        async Task WriteUntilRefusedAsync(IgorDht dht, int writer, int round)
        {
            for (int i = 0; ; i++)
            {
                if (!await ledger.PutAsync(dht, $"{round}/{writer}/{i}", RealText.Line(i), quick))
                {
                    return;
                }
            }
        }
    });

    [Fact]
    public Task Node_that_is_told_to_end_leaves_in_order() => Ring.RunAsync(3, output, async ring =>
    {
        var ledger = new Ledger();
        await using IgorDht dht = await ring.OpenAsync(ring.Nodes[0]);
        await Parallel.ForAsync(0, 100, async (i, _) =>
            Assert.True(await ledger.PutAsync(dht, $"opticks/{i}", RealText.Line(i))));

        Assert.Equal(0, await ring.Nodes[2].TerminateAsync());
        await Eventually.HoldsAsync(
            async () => await dht.StatusAsync() is { Neighbours.Count: 1, Missing.Count: 0 },
            "the others take note of the departure, and do not expect the node back",
            patience: TimeSpan.FromSeconds(5));
        Assert.Empty(await ledger.CheckAsync([dht]));
        Assert.False(File.Exists(ring.Nodes[2].Socket), "the socket's file is left behind");

        await ring.ReviveAsync([ring.Nodes[2]]);
        await ring.UntilHealedAsync();
        await using IgorDht third = await ring.OpenAsync(ring.Nodes[2]);
        Assert.Empty(await ledger.CheckAsync([third]));
    });
}
