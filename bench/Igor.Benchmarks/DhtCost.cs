using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Igor.Dht;
using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Benchmarks;

/// <summary>
/// What a put and a get cost all nodes together: bytes that are allocated and processor time, five nodes in
/// this process with their stores, one operation at a time.
/// </summary>
internal static class DhtCost
{
    private const int Nodes = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>The command that runs it.</summary>
    public static Command Command()
    {
        var bytes = new Option<int[]>("--bytes")
        {
            Description = "Sizes of values.",
            DefaultValueFactory = _ => [900, 32 * 1024, 512 * 1024],
            AllowMultipleArgumentsPerToken = true,
        };
        var count = new Option<int>("--count")
        {
            Description = "Operations of each kind and size; fewer of large ones.",
            DefaultValueFactory = _ => 2000,
        };
        var repeats = new Option<int>("--repeats")
        {
            Description = "How often each is measured; the least of them counts.",
            DefaultValueFactory = _ => 5,
        };
        var command = new Command("dht-cost", "What a put and a get allocate, and their processor time.")
        {
            bytes, count, repeats,
        };
        command.SetAction((result, stop) => RunAsync(
            result.GetValue(bytes)!, result.GetValue(count), result.GetValue(repeats), stop));
        return command;
    }

    private static async Task<int> RunAsync(int[] sizes, int count, int repeats, CancellationToken stop)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("igor-dht-cost-");
        var nodes = new List<IgorDht>();
        try
        {
            for (int at = 0; at < Nodes; at++)
            {
                nodes.Add(await OpenAsync(folder, at, nodes, stop).ConfigureAwait(false));
            }

            await AwaitRingAsync(nodes, stop).ConfigureAwait(false);
            Write($"{Nodes} nodes, {repeats} times each; allocations and processor time of one operation");
            Write($"   value B      operation  allocated B  processor us");
            foreach (int size in sizes)
            {
                int fewer = Math.Max(20, (int)Math.Min(count, 64_000_000L / size));
                await MeasureAsync(nodes, size, fewer, 1, stop).ConfigureAwait(false); // as it is once warm
                foreach ((string name, Cost cost) in
                    await MeasureAsync(nodes, size, fewer, repeats, stop).ConfigureAwait(false))
                {
                    Write($"{size,10:N0} {name,14} {cost.AllocatedBytes,12:N0} {cost.ProcessorUs,13:N0}");
                }
            }

            return 0;
        }
        finally
        {
            await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask())).ConfigureAwait(false);
            folder.Delete(recursive: true);
        }
    }

    private static async Task<IgorDht> OpenAsync(
        DirectoryInfo folder, int at, List<IgorDht> others, CancellationToken stop)
    {
        DhtStatus? first = at == 0 ? null : await others[0].StatusAsync(stop).ConfigureAwait(false);
        return await IgorDht.OpenAsync(
            new IgorDhtOptions
            {
                Data = Path.Combine(folder.FullName, $"n{at}"),
                UseDaemon = false,
                Listen = "127.0.0.1:0",
                Network = "cost",
                Role = ServiceRole.Member,
                Found = first is null,
                Bootstrap = first?.Addresses ?? [],
            },
            stop).ConfigureAwait(false);
    }

    private static async Task AwaitRingAsync(List<IgorDht> nodes, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        foreach (IgorDht node in nodes)
        {
            while (await node.StatusAsync(patience.Token).ConfigureAwait(false) is not
                { IsJoined: true, IsSettled: true, Neighbours.Count: Nodes - 1 })
            {
                await Task.Delay(50, patience.Token).ConfigureAwait(false);
            }
        }
    }

    private static async Task<(string Name, Cost Cost)[]> MeasureAsync(
        List<IgorDht> nodes, int size, int count, int repeats, CancellationToken stop)
    {
        byte[] value = new byte[size];
        new Random(size).NextBytes(value);
        var put = new PutOptions { Acks = AckLevel.All };
        var read = new GetOptions { Consistency = GetConsistency.Root };
        var quorum = new GetOptions { Consistency = GetConsistency.Quorum };
        Cost puts = Cost.Most, gets = Cost.Most, quorums = Cost.Most;
        for (int run = 0; run < repeats; run++)
        {
            puts = puts.Least(await CostOfAsync(
                count, at => nodes[at % Nodes].PutAsync(NameOf(size, at), value, put, stop))
                .ConfigureAwait(false));
            gets = gets.Least(await CostOfAsync(
                count, at => nodes[(at + 1) % Nodes].GetAsync(NameOf(size, at), read, stop))
                .ConfigureAwait(false));
            quorums = quorums.Least(await CostOfAsync(
                count, at => nodes[(at + 1) % Nodes].GetAsync(NameOf(size, at), quorum, stop))
                .ConfigureAwait(false));
        }

        return [("put", puts), ("get of root", gets), ("get of quorum", quorums)];
    }

    private static string NameOf(int size, int at) => string.Create(
        CultureInfo.InvariantCulture, $"{size} {at}");

    private static async Task<Cost> CostOfAsync(int count, Func<int, Task> operation)
    {
        using var process = Process.GetCurrentProcess();
        TimeSpan processor = process.TotalProcessorTime;
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        for (int at = 0; at < count; at++)
        {
            await operation(at).ConfigureAwait(false);
        }

        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        process.Refresh();
        return new Cost(
            (double)allocated / count, (process.TotalProcessorTime - processor).TotalMicroseconds / count);
    }

    private static void Write(FormattableString line) =>
        Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private readonly record struct Cost(double AllocatedBytes, double ProcessorUs)
    {
        public static Cost Most => new(double.MaxValue, double.MaxValue);

        public Cost Least(Cost other) => new(
            Math.Min(AllocatedBytes, other.AllocatedBytes), Math.Min(ProcessorUs, other.ProcessorUs));
    }
}
