using Igor.Kbr;
using Igor.Node;
using Igor.Local;
using Igor.Node.Tests;
using Igor.Testing;

namespace Igor.Client.Tests;

/// <summary>Clients of nodes in this process, over their local sockets.</summary>
internal sealed class SocketWorld(LoopbackRing ring) : KbrWorld
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<LocalSocketServer> _servers = [];
    private readonly List<IgorClient> _clients = [];

    public override IReadOnlyList<IKbrHost> Hosts => _clients;

    public static async Task<KbrWorld> CreateAsync(int nodes)
    {
        LoopbackRing ring = await LoopbackRing.StartAsync(nodes);
        var world = new SocketWorld(ring);
        foreach (IgorNode node in ring.Nodes)
        {
            string path = world._folder.NewPath();
            world._servers.Add(
                LocalSocketServer.Start(node, new LocalSocketServerOptions { Path = path }));
            world._clients.Add(
                await IgorClient.ConnectAsync(new IgorClientOptions { SocketPath = path }));
        }

        return world;
    }

    public override Task WaitUntilAsync(Func<bool> condition, string what) =>
        Eventually.HoldsAsync(condition, what);

    public override async Task StopNodeAsync(int node)
    {
        await _servers[node].DisposeAsync();
        await ring.Nodes[node].DisposeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (IgorClient client in _clients)
        {
            await client.DisposeAsync();
        }

        foreach (LocalSocketServer server in _servers)
        {
            await server.DisposeAsync();
        }

        await ring.DisposeAsync();
        _folder.Dispose();
    }
}
