using System.Globalization;
using System.Text.Json;
using Igor.Simulation.Checks;

namespace Igor.Simulation.Scenarios;

/// <summary>The outcome of one run of a scenario.</summary>
public sealed record ScenarioResult
{
    /// <summary>The scenario's name.</summary>
    public required string Scenario { get; init; }

    /// <summary>Number of nodes asked for.</summary>
    public required int Nodes { get; init; }

    /// <summary>The seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Hash over all that happened, 16 hexadecimal digits.</summary>
    public required string TraceHash { get; init; }

    /// <summary>How long it took.</summary>
    public required double WallSeconds { get; init; }

    /// <summary>How much time passed in the simulated world.</summary>
    public required double VirtualSeconds { get; init; }

    /// <summary>Number of events handled.</summary>
    public required long Events { get; init; }

    /// <summary>What the network takes in memory at the end, in MiB.</summary>
    public required double MemoryMiB { get; init; }

    /// <summary>Where latencies came from.</summary>
    public required string LatencyModel { get; init; }

    /// <summary>All parameters of the scenario with their values, as on the command line.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> Parameters { get; init; }

    /// <summary>What was measured; names end with the unit.</summary>
    public required IReadOnlyList<KeyValuePair<string, double>> Metrics { get; init; }

    /// <summary>What the checkers found.</summary>
    public required IReadOnlyList<Violation> Violations { get; init; }

    /// <summary>The command that does the same run again.</summary>
    public required string Command { get; init; }

    /// <summary>A metric by name.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public double Metric(string name)
    {
        foreach ((string known, double value) in Metrics)
        {
            if (known == name)
            {
                return value;
            }
        }

        throw new KeyNotFoundException($"The run of '{Scenario}' measured no '{name}'.");
    }

    /// <summary>The result as one JSON object.</summary>
    public string ToJson() => WriteJson(Write);

    /// <summary>Several results as a JSON array.</summary>
    public static string ToJson(IReadOnlyList<ScenarioResult> results) => WriteJson(writer =>
    {
        writer.WriteStartArray();
        foreach (ScenarioResult result in results)
        {
            result.Write(writer);
        }

        writer.WriteEndArray();
    });

    /// <summary>For people, above all when something went wrong: seed, command and violations.</summary>
    public override string ToString() =>
        string.Join('\n', Violations.Select(violation => violation.ToString()).Prepend(
            $"{Scenario}, {Nodes} nodes, seed {Seed}, trace {TraceHash}: "
            + $"{Violations.Count} violations; again with: {Command}"));

    private static string WriteJson(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            write(writer);
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("scenario", Scenario);
        writer.WriteNumber("nodes", Nodes);
        writer.WriteNumber("seed", Seed);
        writer.WriteString("traceHash", TraceHash);
        writer.WriteNumber("wallSeconds", WallSeconds);
        writer.WriteNumber("virtualSeconds", VirtualSeconds);
        writer.WriteNumber("events", Events);
        writer.WriteNumber("memoryMiB", MemoryMiB);
        writer.WriteString("latencyModel", LatencyModel);
        WriteParameters(writer);
        writer.WriteStartObject("metrics");
        foreach ((string name, double value) in Metrics)
        {
            writer.WriteNumber(name, value);
        }

        writer.WriteEndObject();
        writer.WriteStartArray("violations");
        foreach (Violation violation in Violations)
        {
            writer.WriteStringValue(violation.ToString());
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private void WriteParameters(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("parameters");
        foreach ((string name, string value) in Parameters)
        {
            if (double.TryParse(value, CultureInfo.InvariantCulture, out double number))
            {
                writer.WriteNumber(name, number);
            }
            else
            {
                writer.WriteString(name, value);
            }
        }

        writer.WriteEndObject();
    }
}
