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

    /// <summary>Where latencies came from.</summary>
    public required string LatencyModel { get; init; }

    /// <summary>All parameters of the scenario with their values.</summary>
    public required IReadOnlyList<KeyValuePair<string, double>> Parameters { get; init; }

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
    public string ToJson()
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("scenario", Scenario);
            writer.WriteNumber("nodes", Nodes);
            writer.WriteNumber("seed", Seed);
            writer.WriteString("traceHash", TraceHash);
            writer.WriteNumber("wallSeconds", WallSeconds);
            writer.WriteNumber("virtualSeconds", VirtualSeconds);
            writer.WriteNumber("events", Events);
            writer.WriteString("latencyModel", LatencyModel);
            WriteNumbers(writer, "parameters", Parameters);
            WriteNumbers(writer, "metrics", Metrics);
            writer.WriteStartArray("violations");
            foreach (Violation violation in Violations)
            {
                writer.WriteStringValue(violation.ToString());
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    /// <summary>For people, above all when something went wrong: seed, command and violations.</summary>
    public override string ToString() =>
        string.Join('\n', Violations.Select(violation => violation.ToString()).Prepend(
            $"{Scenario}, {Nodes} nodes, seed {Seed}, trace {TraceHash}: "
            + $"{Violations.Count} violations; again with: {Command}"));

    private static void WriteNumbers(
        Utf8JsonWriter writer, string name, IReadOnlyList<KeyValuePair<string, double>> numbers)
    {
        writer.WriteStartObject(name);
        foreach ((string key, double value) in numbers)
        {
            writer.WriteNumber(key, value);
        }

        writer.WriteEndObject();
    }
}
