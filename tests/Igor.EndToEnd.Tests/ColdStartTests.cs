using System.Diagnostics;
using Igor.EndToEnd.Processes;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

public class ColdStartTests(ITestOutputHelper output)
{
    private const int Nodes = 16;

    /// <summary>
    /// How long it takes is printed and not asserted: that says more of the machine. It is measured in
    /// docs/benchmarks.md.
    /// </summary>
    [Fact]
    public Task Nodes_that_start_at_once_through_one_of_them_become_one_ring() =>
        Ring.RunAsync(0, output, async ring =>
        {
            NodeSettings first = ring.NextSettings();
            for (int i = 0; i < Nodes; i++)
            {
                NodeSettings settings = ring.NextSettings();
                ring.Add(NodeProcess.Serve(i == 0
                    ? first
                    : settings with { Bootstrap = [ring.Nodes[0].Address] })).Start();
            }

            long started = Stopwatch.GetTimestamp();
            await Task.WhenAll(ring.Nodes.Select(node => node.UntilReadyAsync()));
            output.WriteLine($"all ready after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s");
            await ring.UntilHealedAsync();
            output.WriteLine($"one ring after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s");
        });
}
