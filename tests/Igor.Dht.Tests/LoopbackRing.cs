using System.Diagnostics;
using Igor.Kbr;
using Igor.Node;
using Igor.Testing;

namespace Igor.Dht.Tests;

/// <summary>
/// Members with real nodes on loopback in this process, each with a folder that outlives it.
/// </summary>
internal sealed class LoopbackRing : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly string?[] _addresses;

    private LoopbackRing(int count)
    {
        Nodes = new IgorDht?[count];
        _addresses = new string?[count];
    }

    /// <summary>The members; null where one is down.</summary>
    public IgorDht?[] Nodes { get; }

    public IEnumerable<IgorDht> Alive => Nodes.OfType<IgorDht>();

    /// <summary>Members that have joined, know one another and are settled.</summary>
    public static async Task<LoopbackRing> OfAsync(int count)
    {
        var ring = new LoopbackRing(count);
        await ring.StartAsync([.. Enumerable.Range(0, count)]);
        return ring;
    }

    public async Task StartAsync(params int[] members)
    {
        foreach (int at in members)
        {
            string[] bootstrap =
                [.. Nodes.Select((n, i) => n is null ? null : _addresses[i]).OfType<string>().Take(1)];
            Nodes[at] = await IgorDht.OpenAsync(Options(at) with { Bootstrap = bootstrap });
            _addresses[at] = (await Nodes[at]!.StatusAsync()).Addresses[0];
        }

        int alive = Alive.Count();
        await UntilAsync(s => s.IsJoined && s.Neighbours.Count == alive - 1, "all know one another");
    }

    /// <summary>Ends members without a word to the others.</summary>
    public async Task KillAsync(params int[] members)
    {
        await Task.WhenAll(members.Select(at => ((IgorNode)Nodes[at]!.Connection.Host).KillAsync()));
        foreach (int at in members)
        {
            await Nodes[at]!.DisposeAsync();
            Nodes[at] = null;
        }
    }

    /// <summary>Waits until all members are in a state.</summary>
    public async Task UntilAsync(Func<DhtStatus, bool> condition, string what)
    {
        long started = Stopwatch.GetTimestamp();
        foreach (IgorDht node in Alive)
        {
            DhtStatus status = await node.StatusAsync();
            while (!condition(status))
            {
                Assert.True(
                    Stopwatch.GetElapsedTime(started) < Patience,
                    $"It never came to this: {what}; {status}, {string.Join(' ', status.Neighbours)}");
                await Task.Delay(10);
                status = await node.StatusAsync();
            }
        }
    }

    public IgorDhtOptions Options(int at) => new()
    {
        Data = _folder.Combine($"node{at}"),
        Socket = _folder.Combine($"{at}.sock"),
        UseDaemon = false,
        Listen = "127.0.0.1:0",
        Network = "test",
        Role = ServiceRole.Member,
    };

    public IgorDhtOptions Client(int through) => new()
    {
        UseDaemon = false,
        Network = "test",
        Bootstrap = [_addresses[through]!],
    };

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Alive.Select(n => n.DisposeAsync().AsTask()));
        _folder.Dispose();
    }
}
