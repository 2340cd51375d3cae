using Igor.Dht;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd.Processes;

/// <summary>
/// A ring of storage nodes, each a process with a data folder, a port and a socket of its own.
/// </summary>
internal sealed class Ring : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<NodeProcess> _nodes = [];

    /// <summary>All nodes, dead ones too.</summary>
    public IReadOnlyList<NodeProcess> Nodes => _nodes;

    /// <summary>The nodes whose processes run.</summary>
    public IReadOnlyList<NodeProcess> Alive => [.. _nodes.Where(node => node.IsAlive)];

    /// <summary>When nodes let others vote about registers; null for the default.</summary>
    public string? VoteAfter { get; init; }

    /// <summary>The network's name.</summary>
    public string Network => Path.GetFileName(_folder.Path);

    /// <summary>Runs a test against a ring; the nodes' logs go to the test's output when it fails.</summary>
    public static async Task RunAsync(
        int nodes, ITestOutputHelper output, Func<Ring, Task> test, string? voteAfter = null)
    {
        using var ring = new Ring { VoteAfter = voteAfter };
        try
        {
            await ring.GrowAsync(nodes);
            await test(ring);
        }
        catch
        {
            ring.WriteLogs(output);
            throw;
        }
    }

    /// <summary>A folder for whatever a test needs beside the nodes; deleted with the ring.</summary>
    public string Scratch(string name) => _folder.Combine(name);

    /// <summary>How the next node would be started.</summary>
    public NodeSettings NextSettings() => new()
    {
        Data = _folder.Combine($"n{_nodes.Count}"),
        Network = Network,
        VoteAfter = VoteAfter,
        Bootstrap = [.. _nodes.Take(3).Select(node => node.Address)],
    };

    /// <summary>Lets a node that is not started yet be looked after like the others.</summary>
    public NodeProcess Add(NodeProcess node)
    {
        _nodes.Add(node);
        return node;
    }

    /// <summary>
    /// Starts nodes, the first of all before the others, and waits until all know one another.
    /// </summary>
    public async Task GrowAsync(int nodes)
    {
        for (int i = 0; i < nodes; i++)
        {
            NodeProcess node = Add(NodeProcess.Serve(NextSettings()));
            node.Start();
            if (_nodes.Count == 1)
            {
                await node.UntilReadyAsync();
            }
        }

        await Task.WhenAll(_nodes.Select(node => node.UntilReadyAsync()));
        await UntilHealedAsync();
    }

    /// <summary>Kills nodes at once, as a power failure would.</summary>
    public static async Task KillAsync(IReadOnlyList<NodeProcess> nodes)
    {
        foreach (NodeProcess node in nodes)
        {
            node.Kill();
        }

        await Task.WhenAll(nodes.Select(node => node.UntilExitedAsync()));
    }

    /// <summary>
    /// Starts dead nodes on their disks, all at once; each may join through any of the others.
    /// </summary>
    public async Task ReviveAsync(IReadOnlyList<NodeProcess> nodes)
    {
        foreach (NodeProcess node in nodes)
        {
            node.Settings = node.Settings with
            {
                Bootstrap = [.. _nodes.Where(other => other != node).Select(other => other.Address)],
            };
            node.Start();
        }

        await Task.WhenAll(nodes.Select(node => node.UntilReadyAsync()));
    }

    /// <summary>Attaches to a node as a client, as an application on its host would.</summary>
    public Task<IgorDht> OpenAsync(NodeProcess node, TimeSpan? timeout = null) =>
        IgorDht.OpenAsync(new IgorDhtOptions
        {
            Data = _folder.Combine("client"),
            Socket = node.Socket,
            Network = Network,
            Timeout = timeout ?? TimeSpan.FromSeconds(20),
        });

    /// <summary>
    /// Waits until the nodes that are alive say that they know one another, miss nobody and have brought
    /// their records to where they belong.
    /// </summary>
    public async Task UntilHealedAsync()
    {
        foreach (NodeProcess node in Alive)
        {
            await using IgorDht dht = await OpenAsync(node);
            await Eventually.HoldsAsync(
                async () => WhatIsAmiss(await dht.StatusAsync()),
                $"node {node.NodeId.ToShortString()} says that its ring is healed");
        }
    }

    /// <summary>All logs, for a test that failed.</summary>
    public void WriteLogs(ITestOutputHelper output)
    {
        foreach (NodeProcess node in _nodes)
        {
            output.WriteLine($"--- {node.Data} ({(node.IsAlive ? "alive" : "dead")}):\n{node.Log}");
        }
    }

    public void Dispose()
    {
        _nodes.ForEach(node => node.Dispose());
        _folder.Dispose();
    }

    private string? WhatIsAmiss(DhtStatus status) => status switch
    {
        { IsJoined: false } => "not joined",
        { IsSettled: false } => "not settled",
        { IsReplicated: false } => "not replicated",
        { Missing.Count: > 0 } => $"{status.Missing.Count} missing",
        _ when status.Neighbours.Count < Alive.Count - 1 =>
            $"{status.Neighbours.Count} neighbours of {Alive.Count - 1}",
        _ => null,
    };
}
