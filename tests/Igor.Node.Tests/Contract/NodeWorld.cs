using Igor.Kbr;
using Igor.Testing;

namespace Igor.Node.Tests;

/// <summary>Nodes in this process.</summary>
internal sealed class NodeWorld(LoopbackRing ring) : KbrWorld
{
    public override IReadOnlyList<IKbrHost> Hosts => ring.Nodes;

    public static async Task<KbrWorld> CreateAsync(int nodes) =>
        new NodeWorld(await LoopbackRing.StartAsync(nodes));

    public override Task WaitUntilAsync(Func<bool> condition, string what) =>
        Eventually.HoldsAsync(condition, what);

    public override async Task StopNodeAsync(int node) => await ring.Nodes[node].DisposeAsync();

    public override ValueTask DisposeAsync() => ring.DisposeAsync();
}
