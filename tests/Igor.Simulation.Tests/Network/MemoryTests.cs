using Igor.Simulation.Checks;
using Igor.Simulation.Network;

namespace Igor.Simulation.Tests;

/// <summary>What a node takes in memory, while no other test takes any.</summary>
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
[Collection(nameof(MemoryTests))]
public class MemoryTests
{
    private const int Nodes = 1000;
    private const int KiBPerNodeMax = 56;

    [Fact]
    public void A_node_of_a_thousand_takes_no_more_memory_than_it_may()
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var network = new SimulatedNetwork(new SimulationOptions { Seed = 1 });
        var probe = new LookupProbe(network, "probe");
        network.Assemble(Nodes, probe.Attach);
        network.RunFor(TimeSpan.FromMinutes(1));
        long taken = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(network);
        Assert.InRange(taken / 1024.0 / Nodes, 1, KiBPerNodeMax);
    }
}
