using System.Text;
using Igor.Dht;
using Igor.Dht.Protocol;
using Igor.EndToEnd.Disks;
using Igor.EndToEnd.Processes;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

/// <summary>
/// A node is killed, its files are damaged, and it is started on them: what is intact is served, what is not
/// is reported, never served, and brought back from the other nodes.
/// </summary>
public sealed class DamagedDiskTests(ITestOutputHelper output)
{
    private const int Records = 200;
    private readonly Ledger _ledger = new();

    [Fact]
    public Task Truncated_hints_cost_nothing() =>
        DamageHintsOfLoneNodeAsync(hint => StoreFiles.Cut(hint, 0.5));

    [Fact]
    public Task Bit_flips_all_over_the_hints_cost_nothing() =>
        DamageHintsOfLoneNodeAsync(hint => StoreFiles.FlipBits(hint, 1000));

    [Fact]
    public Task Hints_that_are_gone_cost_nothing() => DamageHintsOfLoneNodeAsync(File.Delete);

    [Fact]
    public Task Bit_flip_in_a_record_is_reported_and_never_served() => Ring.RunAsync(1, output, async ring =>
    {
        await FillAsync(ring);
        NodeProcess node = ring.Nodes[0];
        await node.KillAsync();
        FlipBitOf(node, 100);
        await ring.ReviveAsync([node]);

        await using (IgorDht first = await ring.OpenAsync(node, TimeSpan.FromSeconds(5)))
        {
            string wrong = Assert.Single(await _ledger.CheckAsync([first]));
            Assert.StartsWith("opticks/100: ", wrong, StringComparison.Ordinal);
            output.WriteLine(wrong);
            Assert.Equal(1, (await first.StatusAsync()).Store!.DamagedRecords);
        }

        // What was lost is remembered: the node does not call it absent after a restart either.
        Assert.Equal(0, await node.TerminateAsync());
        await ring.ReviveAsync([node]);
        await using IgorDht dht = await ring.OpenAsync(node, TimeSpan.FromSeconds(5));
        Assert.Equal(GetOutcome.Unreachable, (await dht.GetAsync("opticks/100")).Outcome);
        Assert.True(await _ledger.PutAsync(dht, "opticks/100", RealText.Line(100)), "it cannot be put anew");
        Assert.Empty(await _ledger.CheckAsync([dht]));
    });

    [Fact]
    public Task Bit_flip_in_a_record_is_healed_by_the_others() =>
        DamageOneOfThreeAsync(node => FlipBitOf(node, 100));

    [Fact]
    public Task Cut_segment_is_healed_by_the_others() =>
        DamageOneOfThreeAsync(node => StoreFiles.Cut(StoreFiles.Segments(node.Data)[0], 0.6));

    [Fact]
    public Task Lost_store_is_healed_by_the_others() => DamageOneOfThreeAsync(node =>
    {
        foreach (string segment in StoreFiles.Segments(node.Data))
        {
            File.Delete(segment);
        }
    });

    private static void FlipBitOf(NodeProcess node, int record)
    {
        byte[] line = Encoding.UTF8.GetBytes(RealText.Line(record));
        string segment = StoreFiles.Segments(node.Data)
            .Single(path => File.ReadAllBytes(path).AsSpan().IndexOf(line) >= 0);
        StoreFiles.FlipBit(segment, StoreFiles.Find(segment, line) + (line.Length / 2));
    }

    private Task DamageHintsOfLoneNodeAsync(Action<string> damage) => Ring.RunAsync(1, output, async ring =>
    {
        await FillAsync(ring);
        NodeProcess node = ring.Nodes[0];

        // An orderly end first, which leaves hints of all; then the same after the damage.
        Assert.Equal(0, await node.TerminateAsync());
        foreach (string hint in StoreFiles.Hints(node.Data))
        {
            damage(hint);
        }

        await ring.ReviveAsync([node]);

        await using IgorDht dht = await ring.OpenAsync(node);
        Assert.Empty(await _ledger.CheckAsync([dht]));
        ProcessResult status = (await Cli.RunAsync("status", "--json", "--socket", node.Socket)).ExitsWith(0);
        output.WriteLine(status.Text);
        Assert.True(await _ledger.PutAsync(dht, "after", "the damage"), "a put after the damage failed");
        Assert.Empty(await _ledger.CheckAsync([dht]));
    });

    private Task DamageOneOfThreeAsync(Action<NodeProcess> damage) => Ring.RunAsync(3, output, async ring =>
    {
        await FillAsync(ring);
        NodeProcess node = ring.Nodes[1];
        await node.KillAsync();
        damage(node);
        await ring.ReviveAsync([node]);
        await using (IgorDht dht = await ring.OpenAsync(node))
        {
            Assert.Empty(await _ledger.CheckAsync([dht]));
        }

        // What it serves alone is on its own disk again.
        await ring.UntilHealedAsync();
        await Ring.KillAsync([.. ring.Nodes.Where(other => other != node)]);
        await using (IgorDht alone = await ring.OpenAsync(node))
        {
            Assert.Empty(await _ledger.CheckAsync([alone]));
        }
    });

    private async Task FillAsync(Ring ring)
    {
        await using IgorDht dht = await ring.OpenAsync(ring.Nodes[0]);
        var everywhere = new PutOptions { Acks = AckLevel.All, Replicas = ring.Nodes.Count };
        await Parallel.ForAsync(0, Records, async (i, _) =>
            Assert.True(await _ledger.PutAsync(dht, $"opticks/{i}", RealText.Line(i), everywhere)));
    }
}
