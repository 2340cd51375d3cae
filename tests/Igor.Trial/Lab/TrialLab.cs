using System.Collections.Concurrent;
using Igor.Kbr;

namespace Igor.Trial.Lab;

/// <summary>All hosts, and the nodes on them; some are spare, for those that join later.</summary>
internal sealed class TrialLab : IDisposable
{
    private const int Spares = 3;
    private const int JoinedThrough = 3;

    /// <summary>Makes the hosts; no node is started.</summary>
    /// <param name="program">The program of a node.</param>
    /// <param name="folder">Where disks, sockets and logs are.</param>
    /// <param name="nodes">How many nodes there are from the beginning.</param>
    public TrialLab(string program, string folder, int nodes)
    {
        Count = nodes;
        Network = new LabNetwork(nodes + Spares);
        Nodes =
        [
            .. Enumerable.Range(0, nodes + Spares).Select(
                index => new TrialNode(program, folder, index, new LabHost(folder, index), Problems.Enqueue)),
        ];
    }

    /// <summary>What no process may do, and some did.</summary>
    public ConcurrentQueue<string> Problems { get; } = new();

    public TrialClock Clock { get; } = new();

    public LabNetwork Network { get; }

    /// <summary>Those from the beginning, then the spare ones.</summary>
    public IReadOnlyList<TrialNode> Nodes { get; }

    /// <summary>How many there are from the beginning.</summary>
    public int Count { get; }

    /// <summary>Those that were started ever.</summary>
    public IEnumerable<TrialNode> Present => Nodes.Where(node => node.WasStarted);

    /// <summary>One that was not; null when all were.</summary>
    public TrialNode? Spare => Nodes.FirstOrDefault(node => !node.WasStarted);

    /// <summary>Whom a node is told to join through; nobody for the one that founds the network.</summary>
    public IEnumerable<int> JoinThrough(TrialNode node) =>
        [.. Present.Where(other => other != node).Select(other => other.Index).Take(JoinedThrough)];

    /// <summary>The members, nearest to a key first.</summary>
    public IEnumerable<TrialNode> Nearest(Key key) => Present.Where(node => node.Id is not null)
        .OrderBy(node => node.Id!.Value.DistanceTo(key));

    /// <summary>Lets something go on by itself; when it fails, that is a problem.</summary>
    public void Watch(Task task) => _ = task.ContinueWith(
        failed => Problems.Enqueue(failed.Exception!.InnerException!.Message),
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted,
        TaskScheduler.Default);

    public void Dispose()
    {
        foreach (TrialNode node in Nodes)
        {
            node.Dispose();
        }

        Network.Dispose();
    }
}
