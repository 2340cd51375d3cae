using Igor.Kbr.Overlay.Machines;

namespace Igor.Node.Tests;

/// <summary>Nodes in this process that form a ring over TLS on loopback.</summary>
internal sealed class LoopbackRing : IAsyncDisposable
{
    public const string Network = "contract";

    private readonly List<IgorNode> _nodes = [];

    private LoopbackRing()
    {
    }

    /// <summary>The nodes.</summary>
    public IReadOnlyList<IgorNode> Nodes => _nodes;

    /// <summary>Starts so many nodes and waits until all have joined.</summary>
    public static async Task<LoopbackRing> StartAsync(int nodes)
    {
        var ring = new LoopbackRing();
        try
        {
            for (int i = 0; i < nodes; i++)
            {
                await ring.AddAsync();
            }

            return ring;
        }
        catch
        {
            await ring.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (IgorNode node in _nodes)
        {
            await node.DisposeAsync();
        }
    }

    private async Task AddAsync()
    {
        var options = new IgorNodeOptions
        {
            Listen = "127.0.0.1:0",
            Network = Network,
            Bootstrap = [.. _nodes.Take(1).SelectMany(node => node.Addresses)],
            Overlay = new OverlayOptions { HeartbeatPeriod = TimeSpan.FromSeconds(1) },
        };
        IgorNode node = await IgorNode.StartAsync(options);
        _nodes.Add(node);
        await node.Joined.WaitAsync(TimeSpan.FromSeconds(60));
    }
}
