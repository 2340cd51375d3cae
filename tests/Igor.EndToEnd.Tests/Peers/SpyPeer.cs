using System.Collections.Concurrent;
using Igor.Kbr;
using Igor.Node.Identity;

namespace Igor.EndToEnd.Peers;

/// <summary>
/// A member of the base ring that is connected to every node, answers pings, and keeps every frame it is
/// sent: what a daemon that runs certain services gets to see.
/// </summary>
internal sealed class SpyPeer : IAsyncDisposable
{
    private readonly NodeIdentity _identity = NodeIdentity.CreateEphemeral();
    private readonly ConcurrentQueue<byte[]> _frames = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly List<RawPeer> _peers = [];
    private readonly List<Task> _reading = [];

    /// <summary>Its id.</summary>
    public Key NodeId => _identity.NodeId;

    /// <summary>All frames so far.</summary>
    public IReadOnlyCollection<byte[]> Frames => _frames;

    /// <summary>Whether all its connections are open still.</summary>
    public bool IsConnected => _reading.All(task => !task.IsCompleted);

    /// <summary>Connects to a node and tells it which services it runs.</summary>
    public async Task ConnectAsync(string address, string network, params string[] services)
    {
        RawPeer peer = await RawPeer.ConnectAsync(address, _identity);
        _peers.Add(peer);
        await peer.SayHelloAsync(network, services);
        await peer.AcceptAsync();
        _reading.Add(ReadAsync(peer));
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Task.WhenAll(_reading);
        foreach (RawPeer peer in _peers)
        {
            await peer.DisposeAsync();
        }

        _ending.Dispose();
        _identity.Dispose();
    }

    private async Task ReadAsync(RawPeer peer)
    {
        try
        {
            while (await peer.ReadFrameAsync(_ending.Token) is { } frame)
            {
                _frames.Enqueue(frame);
                if (Peers.Frames.TypeOf(frame) == Peers.Frames.Ping)
                {
                    await peer.SendFrameAsync(Peers.Frames.PongTo(frame));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }
}
