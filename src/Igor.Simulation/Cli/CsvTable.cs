using System.Globalization;
using Igor.Simulation.Scenarios;

namespace Igor.Simulation.Cli;

/// <summary>Results of one scenario as CSV (RFC 4180): a line of names, then a line for each run.</summary>
internal static class CsvTable
{
    public static string Of(IReadOnlyList<ScenarioResult> results)
    {
        List<string> parameters = [.. results[0].Parameters.Select(pair => pair.Key)];
        List<string> metrics =
            [.. results.SelectMany(one => one.Metrics).Select(pair => pair.Key).Distinct()];
        IEnumerable<string> header =
        [
            "scenario", "nodes", "seed", "latencyModel", .. parameters, .. metrics,
            "violations", "virtualSeconds", "wallSeconds", "memoryMiB", "events", "traceHash",
        ];
        return string.Concat(results.Select(Row).Prepend(header).Select(Line));

        IEnumerable<string> Row(ScenarioResult result) =>
        [
            result.Scenario,
            Text(result.Nodes),
            Text(result.Seed),
            result.LatencyModel,
            .. parameters.Select(name => result.Parameters.First(pair => pair.Key == name).Value),
            .. metrics.Select(name => Value(result.Metrics, name)),
            Text(result.Violations.Count),
            Text(result.VirtualSeconds),
            Text(result.WallSeconds),
            Text(result.MemoryMiB),
            Text(result.Events),
            result.TraceHash,
        ];
    }

    private static string Value(IReadOnlyList<KeyValuePair<string, double>> pairs, string name) =>
        pairs.Where(pair => pair.Key == name).Select(pair => Text(pair.Value)).FirstOrDefault(string.Empty);

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);

    private static string Line(IEnumerable<string> fields) => string.Join(',', fields.Select(Quote)) + "\n";

    private static string Quote(string field) => field.AsSpan().ContainsAny(",\"\r\n")
        ? $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
        : field;
}
