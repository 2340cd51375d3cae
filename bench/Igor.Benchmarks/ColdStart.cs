using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Igor.Kbr;

namespace Igor.Benchmarks;

/// <summary>
/// How long nodes that start at once through one of them, a process each, take to become one ring: the time
/// until the last of them runs is the machine's, what follows the overlay's.
/// </summary>
internal static class ColdStart
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>The command that runs it.</summary>
    public static Command Command()
    {
        var program = new Option<string>("--program")
        {
            Description = "What runs a node: igor-dht, as its launcher builds it.",
            DefaultValueFactory = _ => "./igor-dht",
        };
        var nodes = new Option<int>("--nodes") { Description = "Nodes.", DefaultValueFactory = _ => 16 };
        var repeats = new Option<int>("--repeats")
        {
            Description = "How often they are started.",
            DefaultValueFactory = _ => 5,
        };
        var command = new Command("cold-start", "How soon nodes that start at once are one ring.")
        {
            program, nodes, repeats,
        };
        command.SetAction((result, stop) => RunAsync(
            Path.GetFullPath(result.GetValue(program)!),
            result.GetValue(nodes),
            result.GetValue(repeats),
            stop));
        return command;
    }

    private static async Task<int> RunAsync(string program, int count, int repeats, CancellationToken stop)
    {
        Write($"{count} nodes, {Environment.ProcessorCount} cores; seconds since the first was started");
        Write($"  run  started  running  ready  one ring  ring after the last runs  processor s a node");
        var overlay = new List<double>();
        for (int run = 1; run <= repeats; run++)
        {
            ColdStartTimes times = await MeasureAsync(program, count, stop).ConfigureAwait(false);
            overlay.Add((times.OneRing - times.Running).TotalSeconds);
            Write($"{run,5}  {times.Line}  {overlay[^1],24:F2}  {times.ProcessorSeconds / count,18:F2}");
        }

        overlay.Sort();
        Write($"ring after the last runs: {overlay[repeats / 2]:F2} s ({overlay[0]:F2} to {overlay[^1]:F2})");
        return 0;
    }

    private static async Task<ColdStartTimes> MeasureAsync(string program, int count, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("igor-cold-start-");
        ColdStartNode[] nodes = [.. FreePorts(count).Select((port, i) =>
            new ColdStartNode(program, Path.Combine(folder.FullName, $"n{i}"), port))];
        try
        {
            return await MeasureAsync(nodes, patience.Token).ConfigureAwait(false);
        }
        finally
        {
            await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask())).ConfigureAwait(false);
            folder.Delete(recursive: true);
        }
    }

    private static async Task<ColdStartTimes> MeasureAsync(ColdStartNode[] nodes, CancellationToken stop)
    {
        long begin = Stopwatch.GetTimestamp();
        foreach (ColdStartNode node in nodes)
        {
            node.Start(node == nodes[0] ? null : nodes[0].Address);
        }

        TimeSpan started = Stopwatch.GetElapsedTime(begin);
        Task<TimeSpan> readyAt = TimeOfAsync(
            Task.WhenAll(nodes.Select(node => node.UntilReadyAsync(stop))), begin);
        await Task.WhenAll(nodes.Select(node => node.UntilRunningAsync(Pause, stop))).ConfigureAwait(false);
        TimeSpan running = Stopwatch.GetElapsedTime(begin);
        Key[] ring = [.. nodes.Select(node => node.Id).Order()];
        foreach (ColdStartNode node in nodes)
        {
            await node.UntilPlacedAsync(ring, Pause, stop).ConfigureAwait(false);
        }

        TimeSpan oneRing = Stopwatch.GetElapsedTime(begin);
        TimeSpan ready = await readyAt.ConfigureAwait(false);
        double processorSeconds = nodes.Sum(node => node.ProcessorTime.TotalSeconds);
        return new ColdStartTimes(started, running, ready, oneRing, processorSeconds);
    }

    private static async Task<TimeSpan> TimeOfAsync(Task task, long begin)
    {
        await task.ConfigureAwait(false);
        return Stopwatch.GetElapsedTime(begin);
    }

    private static int[] FreePorts(int count)
    {
        TcpListener[] listeners =
            [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        foreach (TcpListener listener in listeners)
        {
            listener.Start();
        }

        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        Array.ForEach(listeners, listener => listener.Dispose());
        return ports;
    }

    private static void Write(FormattableString line) =>
        Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    /// <param name="Started">When the last process had been started.</param>
    /// <param name="Running">When the last node ran, and began to join.</param>
    /// <param name="Ready">When the last one had said that it serves.</param>
    /// <param name="OneRing">When all were one ring.</param>
    /// <param name="ProcessorSeconds">What all processes took until then.</param>
    private readonly record struct ColdStartTimes(
        TimeSpan Started, TimeSpan Running, TimeSpan Ready, TimeSpan OneRing, double ProcessorSeconds)
    {
        /// <summary>The times, in the columns of the table.</summary>
        public string Line => string.Create(
            CultureInfo.InvariantCulture,
            $"{Started.TotalSeconds,7:F2}  {Running.TotalSeconds,7:F2}  {Ready.TotalSeconds,5:F2}  "
            + $"{OneRing.TotalSeconds,8:F2}");
    }
}
