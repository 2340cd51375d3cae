using System.Diagnostics;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Dht.Cli.Demo;

/// <summary>
/// The demonstration: five processes form a ring on loopback, records are put through one of them, two are
/// killed, and everything is read back at once through one that had no part in the writing.
/// </summary>
internal sealed class DemoRun : IDisposable
{
    private const int NodeCount = 5;
    private const int KillCount = 2;

    /// <summary>Operations under way at a time: enough to keep the disks of five nodes busy.</summary>
    private const int Concurrency = 32;

    private readonly int _seed;
    private readonly TimeSpan _timeout;
    private readonly Action<DemoProgress> _progress;
    private readonly string _folder = Directory.CreateTempSubdirectory("igor-demo-").FullName;
    private readonly string _network;
    private readonly List<DemoNode> _nodes = [];
    private string? _trouble;
    private int _ready;

    public DemoRun(int seed, TimeSpan timeout, Action<DemoProgress> progress)
    {
        _seed = seed;
        _timeout = timeout;
        _progress = progress;
        _network = Path.GetFileName(_folder);
    }

    /// <summary>Runs all phases and says what happened.</summary>
    public async Task<DemoReport> RunAsync(DemoRecord[] records, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        await StartNodesAsync(cancellation).ConfigureAwait(false);
        TimeSpan startTime = clock.Elapsed;

        clock.Restart();
        int acknowledged = await PutAllAsync(records, cancellation).ConfigureAwait(false);
        TimeSpan putTime = clock.Elapsed;

        IReadOnlyList<int> killed = await KillSomeAsync().ConfigureAwait(false);

        clock.Restart();
        (int readable, TimeSpan slowest) = await GetAllAsync(records, cancellation).ConfigureAwait(false);
        return new DemoReport
        {
            Nodes = NodeCount,
            StartTime = startTime,
            Records = records.Length,
            ValueBytes = records.Sum(record => (long)record.Value.Length),
            Acknowledged = acknowledged,
            PutTime = putTime,
            Killed = killed,
            Readable = readable,
            GetTime = clock.Elapsed,
            SlowestGet = slowest,
            Trouble = _trouble,
        };
    }

    /// <summary>Ends all processes that still run and deletes their data.</summary>
    public void Dispose()
    {
        foreach (DemoNode node in _nodes)
        {
            node.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartNodesAsync(CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(_timeout + _timeout);
        try
        {
            // The first founds the ring, the others join it all at once.
            await UntilReadyAsync(Start(1, bootstrap: null), deadline.Token).ConfigureAwait(false);
            string first = _nodes[0].Address;
            IEnumerable<DemoNode> others =
                [.. Enumerable.Range(2, NodeCount - 1).Select(number => Start(number, first))];
            await Task.WhenAll(
                others.Select(node => UntilReadyAsync(node, deadline.Token))).ConfigureAwait(false);
            await UntilAllMeetAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CommandFailure(
                ExitCode.Unreachable,
                "unreachable",
                "the nodes did not find one another; try a larger --timeout");
        }
    }

    private DemoNode Start(int number, string? bootstrap)
    {
        var node = DemoNode.Start(number, _folder, _network, bootstrap);
        _nodes.Add(node);
        return node;
    }

    private async Task UntilReadyAsync(DemoNode node, CancellationToken cancellation)
    {
        await node.UntilReadyAsync(cancellation).ConfigureAwait(false);
        _progress(new DemoProgress("starting nodes", Interlocked.Increment(ref _ready), NodeCount));
    }

    // A node is ready as soon as it is in the ring; that all know of one another takes a moment more.
    private async Task UntilAllMeetAsync(CancellationToken cancellation)
    {
        foreach (DemoNode node in _nodes)
        {
            IgorDht dht = await OpenAsync(node, cancellation).ConfigureAwait(false);
            await using (dht.ConfigureAwait(false))
            {
                await UntilAllAreSeenAsync(dht, cancellation).ConfigureAwait(false);
            }
        }
    }

    private static async Task UntilAllAreSeenAsync(IgorDht dht, CancellationToken cancellation)
    {
        DhtStatus status = await dht.StatusAsync(cancellation).ConfigureAwait(false);
        while (status.Neighbours.Count < NodeCount - 1)
        {
            await Task.Delay(20, cancellation).ConfigureAwait(false);
            status = await dht.StatusAsync(cancellation).ConfigureAwait(false);
        }
    }

    private async Task<int> PutAllAsync(DemoRecord[] records, CancellationToken cancellation)
    {
        IgorDht dht = await OpenAsync(_nodes[0], cancellation).ConfigureAwait(false);
        await using (dht.ConfigureAwait(false))
        {
            return await ForAllAsync(
                "putting records", records, record => PutAsync(dht, record, cancellation), cancellation)
                .ConfigureAwait(false);
        }
    }

    private async Task<bool> PutAsync(IgorDht dht, DemoRecord record, CancellationToken cancellation)
    {
        try
        {
            await dht.PutAsync(record.Name, record.Value, cancellationToken: cancellation)
                .ConfigureAwait(false);
            return true;
        }
        catch (DhtException e)
        {
            _trouble ??= $"{record.Name} was not acknowledged: {e.Message}";
            return false;
        }
    }

    // The last node stays, because the records are read through it; the one they were put through may die.
    private async Task<IReadOnlyList<int>> KillSomeAsync()
    {
        DemoNode[] victims = new Random(_seed).GetItems(_nodes.ToArray()[..^1], NodeCount)
            .Concat(_nodes).Distinct().Take(KillCount).OrderBy(node => node.Number).ToArray();
        for (int i = 0; i < victims.Length; i++)
        {
            _progress(new DemoProgress("killing nodes", i, victims.Length));
            await victims[i].KillAsync().ConfigureAwait(false);
        }

        _progress(new DemoProgress("killing nodes", victims.Length, victims.Length));
        return victims.Select(node => node.Number).ToArray();
    }

    private async Task<(int Readable, TimeSpan Slowest)> GetAllAsync(
        DemoRecord[] records, CancellationToken cancellation)
    {
        long slowest = 0;
        IgorDht dht = await OpenAsync(_nodes[^1], cancellation).ConfigureAwait(false);
        await using (dht.ConfigureAwait(false))
        {
            int readable = await ForAllAsync(
                "reading all back",
                records,
                async record =>
                {
                    long start = Stopwatch.GetTimestamp();
                    GetResult result = await dht.GetAsync(record.Name, cancellationToken: cancellation)
                        .ConfigureAwait(false);
                    InterlockedMax(ref slowest, Stopwatch.GetElapsedTime(start).Ticks);
                    return IsIntact(record, result);
                },
                cancellation).ConfigureAwait(false);
            return (readable, TimeSpan.FromTicks(slowest));
        }
    }

    private bool IsIntact(DemoRecord record, GetResult result)
    {
        if (result.Outcome == GetOutcome.Found && result.Value.Span.SequenceEqual(record.Value))
        {
            return true;
        }

        _trouble ??= result.Outcome == GetOutcome.Found
            ? $"{record.Name} came back with another value"
            : $"{record.Name} was {result.Outcome.ToString().ToLowerInvariant()}";
        return false;
    }

    private async Task<int> ForAllAsync(
        string phase,
        DemoRecord[] records,
        Func<DemoRecord, Task<bool>> action,
        CancellationToken cancellation)
    {
        int done = 0;
        int succeeded = 0;
        await Parallel.ForEachAsync(
            records,
            new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = cancellation },
            async (record, _) =>
            {
                if (await action(record).ConfigureAwait(false))
                {
                    Interlocked.Increment(ref succeeded);
                }

                _progress(new DemoProgress(phase, Interlocked.Increment(ref done), records.Length));
            }).ConfigureAwait(false);
        return succeeded;
    }

    private Task<IgorDht> OpenAsync(DemoNode node, CancellationToken cancellation) => IgorDht.OpenAsync(
        new IgorDhtOptions
        {
            Data = node.Data,
            Socket = node.Socket,
            Network = _network,
            Role = ServiceRole.Client,
            Timeout = _timeout,
        },
        cancellation);

    private static void InterlockedMax(ref long target, long value)
    {
        long seen = Volatile.Read(ref target);
        while (value > seen)
        {
            long before = Interlocked.CompareExchange(ref target, value, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }
}
