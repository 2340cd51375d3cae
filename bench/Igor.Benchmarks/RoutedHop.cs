using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;

namespace Igor.Benchmarks;

/// <summary>
/// What a routed request costs above the echo that it stands on: both between two processes, measured in
/// turn, so that whatever else the machine does meets both alike.
/// </summary>
internal static class RoutedHop
{
    private const string BareKind = "bare";
    private const string RoutedKind = "routed";

    private static readonly int[] Outstandings = [1, 32];
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);

    /// <summary>Serves the other end of a measurement.</summary>
    public static async Task<int> ServeAsync(string kind)
    {
        if (kind == BareKind)
        {
            await BareEcho.ServeAsync(address => Console.WriteLine(address.ToString())).ConfigureAwait(false);
        }
        else
        {
            await RoutedEcho.ServeAsync(Console.WriteLine).ConfigureAwait(false);
        }

        return 0;
    }

    /// <summary>Measures and prints.</summary>
    public static async Task<int> RunAsync(int bytes, TimeSpan time, int repeats, CancellationToken stop)
    {
        using Process bareServer = StartPeer(BareKind, out string bareAddress);
        using Process routedServer = StartPeer(RoutedKind, out string routedAddress);
        await using var bare = await BareEcho.ConnectAsync(IPEndPoint.Parse(bareAddress))
            .ConfigureAwait(false);
        await using var routed = await RoutedEcho.ConnectAsync(routedAddress).ConfigureAwait(false);
        PrintMachine(bytes, time, repeats);
        foreach (int outstanding in Outstandings)
        {
            await ClosedLoop.MeasureAsync(bare, bytes, outstanding, WarmUp).ConfigureAwait(false);
            await ClosedLoop.MeasureAsync(routed, bytes, outstanding, WarmUp).ConfigureAwait(false);
            var ofBare = new List<Figures>();
            var ofRouted = new List<Figures>();
            for (int i = 0; i < repeats; i++)
            {
                stop.ThrowIfCancellationRequested();
                ofBare.Add(
                    await ClosedLoop.MeasureAsync(bare, bytes, outstanding, time).ConfigureAwait(false));
                ofRouted.Add(
                    await ClosedLoop.MeasureAsync(routed, bytes, outstanding, time).ConfigureAwait(false));
            }

            Print(outstanding, ofBare, ofRouted);
        }

        return 0;
    }

    private static Process StartPeer(string kind, out string address)
    {
        string[] self = Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal)
            ? [typeof(RoutedHop).Assembly.Location, "peer", kind]
            : ["peer", kind];
        Process process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, self)
        {
            RedirectStandardInput = true, // its end tells the peer to go
            RedirectStandardOutput = true,
        })!;
        address = process.StandardOutput.ReadLine()
            ?? throw new InvalidOperationException($"The {kind} peer did not start.");
        return process;
    }

    private static void PrintMachine(int bytes, TimeSpan time, int repeats) => Write(
        $"""
        {DateTime.UtcNow:yyyy-MM-dd}  {ProcessorName()}, {Environment.ProcessorCount} cores
        {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}
        two processes on loopback, TLS 1.3, P-256 on both sides, messages of {bytes} bytes,
        {repeats} x {time.TotalSeconds} s of each in turn

        """);

    private static string ProcessorName()
    {
        const string cpus = "/proc/cpuinfo";
        string? line = File.Exists(cpus)
            ? File.ReadLines(cpus)
                .FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? "unknown processor";
    }

    private static void Print(int outstanding, List<Figures> bare, List<Figures> routed)
    {
        double throughput = Median(routed, one => one.PerSecond) / Median(bare, one => one.PerSecond);
        double latency =
            Median(routed, one => one.MedianMicroseconds) / Median(bare, one => one.MedianMicroseconds);
        Write($"{outstanding} outstanding");
        Write($"  bare echo       {Line(bare)}");
        Write($"  routed request  {Line(routed)}");
        Write($"  ratio           throughput {throughput:P0}, median latency {latency:F2} x\n");
    }

    private static string Line(List<Figures> runs) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Median(runs, one => one.PerSecond),9:N0}/s ({runs.Min(one => one.PerSecond):N0} to "
        + $"{runs.Max(one => one.PerSecond):N0})   p50 {Median(runs, one => one.MedianMicroseconds):N0} us "
        + $"({runs.Min(one => one.MedianMicroseconds):N0} to {runs.Max(one => one.MedianMicroseconds):N0})   "
        + $"p99 {Median(runs, one => one.P99Microseconds):N0} us");

    private static double Median(List<Figures> runs, Func<Figures, double> of) =>
        runs.Select(of).Order().ElementAt(runs.Count / 2);

    private static void Write(FormattableString line) =>
        Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
