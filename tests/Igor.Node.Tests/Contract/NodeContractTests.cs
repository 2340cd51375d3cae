using Igor.Kbr;
using Igor.Testing;

namespace Igor.Node.Tests;

/// <summary>The contract in a node's own process.</summary>
public sealed class NodeContractTests : KbrServiceContract
{
    protected override async Task<KbrWorld> CreateWorldAsync(int nodes) =>
        new NodeWorld(await LoopbackRing.StartAsync(nodes));

    private sealed class NodeWorld(LoopbackRing ring) : KbrWorld
    {
        public override IReadOnlyList<IKbrHost> Hosts => ring.Nodes;

        public override Task WaitUntilAsync(Func<bool> condition, string what) =>
            Eventually.HoldsAsync(condition, what);

        public override async Task StopNodeAsync(int node) => await ring.Nodes[node].DisposeAsync();

        public override ValueTask DisposeAsync() => ring.DisposeAsync();
    }
}
