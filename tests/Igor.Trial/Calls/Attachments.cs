using System.Collections.Concurrent;
using Igor.Dht;
using Igor.Kbr;
using Igor.Trial.Lab;

namespace Igor.Trial.Calls;

/// <summary>
/// What clients have open at nodes: each client one connection to each node, for a life of its process.
/// </summary>
internal sealed class Attachments(TrialLab lab) : IAsyncDisposable
{
    private static readonly TimeSpan s_opensWithin = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<(int Client, TrialNode Node, int Life), IgorDht> _open = [];

    /// <summary>What a client has at a node; null when the node does not listen.</summary>
    public async Task<IgorDht?> FindAsync(int client, TrialNode node)
    {
        (int, TrialNode, int Life) place = (client, node, node.Life);
        if (!node.IsRunning)
        {
            return null;
        }

        if (_open.TryGetValue(place, out IgorDht? dht))
        {
            return dht;
        }

        using var patience = new CancellationTokenSource(s_opensWithin);
        try
        {
            dht = await IgorDht.OpenAsync(
                new IgorDhtOptions { Socket = node.Socket, CreatesStore = false, Timeout = s_opensWithin },
                patience.Token);
        }
        catch (Exception problem) when (problem is DhtException or KbrException or OperationCanceledException)
        {
            return null;
        }

        node.Id = dht.NodeId;
        _open[place] = dht;
        CloseOlder(client, node, place.Life);
        return dht;
    }

    /// <summary>Something that does not work any more.</summary>
    public void Drop(int client, TrialNode node, IgorDht dht)
    {
        foreach (((int, TrialNode, int) place, IgorDht open) in _open)
        {
            if (open == dht)
            {
                _open.TryRemove(place, out _);
            }
        }

        lab.Watch(dht.DisposeAsync().AsTask());
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_open.Values.Select(dht => dht.DisposeAsync().AsTask()));
    }

    private void CloseOlder(int client, TrialNode node, int life)
    {
        foreach ((int Client, TrialNode Node, int Life) place in _open.Keys.Where(
            place => place.Client == client && place.Node == node && place.Life < life))
        {
            if (_open.TryRemove(place, out IgorDht? old))
            {
                lab.Watch(old.DisposeAsync().AsTask());
            }
        }
    }
}
