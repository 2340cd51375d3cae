using System.Diagnostics;
using System.Globalization;

namespace Igor.Benchmarks;

/// <summary>Runs a measurement several times and prints median and spread.</summary>
internal static class Measurement
{
    /// <summary>Prints where and when this runs.</summary>
    public static void PrintMachine()
    {
        string model = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo")
                .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
                ?.Split(':')[1].Trim() ?? "unknown processor"
            : "unknown processor";
        string load = File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Trim() : "unknown";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {Environment.ProcessorCount} x {model},"
            + $" {Environment.OSVersion}, .NET {Environment.Version}, load {load}"));
    }

    /// <summary>Prints the rate of an action that does a number of things.</summary>
    /// <param name="name">What is measured.</param>
    /// <param name="runs">How often.</param>
    /// <param name="count">How many things one run does.</param>
    /// <param name="action">One run; gets its number.</param>
    public static void Rate(string name, int runs, int count, Action<int> action)
    {
        var rates = new List<double>();
        for (int run = 0; run < runs; run++)
        {
            long begin = Stopwatch.GetTimestamp();
            action(run);
            rates.Add(count / Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }

        rates.Sort();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-44} median {rates[rates.Count / 2],10:n1}/s"
            + $"   from {rates[0],10:n1} to {rates[^1],10:n1}"));
    }
}
