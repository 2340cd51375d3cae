using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Network;
using Igor.Testing;

namespace Igor.Simulation.Tests;

/// <summary>Simulated nodes.</summary>
internal sealed class SimulatedWorld : KbrWorld
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly SimulatedNetwork _network = new(new SimulationOptions { Seed = 4 });

    public SimulatedWorld(int nodes)
    {
        _network.Engine.Failed = _ => { }; // the contract has applications that throw
        _network.Grow(nodes);
        var ring = new RingChecker(_network);
        Assert.True(
            _network.RunUntil(() => _network.RunningNodes.Count() == nodes && ring.Holds(), Patience),
            $"{nodes} nodes never became a ring, seed {_network.Engine.Seed}");
    }

    public static Task<KbrWorld> CreateAsync(int nodes) =>
        Task.FromResult<KbrWorld>(new SimulatedWorld(nodes));

    public override IReadOnlyList<IKbrHost> Hosts => _network.Nodes;

    public override Task WaitUntilAsync(Func<bool> condition, string what)
    {
        Assert.True(
            _network.RunUntil(condition, Patience, TimeSpan.FromMilliseconds(10)),
            $"It never came to this: {what}, seed {_network.Engine.Seed}");
        return Task.CompletedTask;
    }

    public override Task StopNodeAsync(int node) => _network.Nodes[node].DisposeAsync().AsTask();

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
