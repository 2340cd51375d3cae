using System.Globalization;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// What one run of a scenario is made from; together with the program's version it determines the run.
/// </summary>
public sealed record ScenarioSettings
{
    /// <summary>The seed.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Number of nodes; null for the scenario's default.</summary>
    public int? Nodes { get; init; }

    /// <summary>A file with measured latencies; null for the synthetic model.</summary>
    public string? LatencyMatrix { get; init; }

    /// <summary>Values of parameters that differ from their defaults, by name.</summary>
    public IReadOnlyDictionary<string, double> Parameters { get; init; } = new Dictionary<string, double>();

    /// <summary>The value of a parameter.</summary>
    public double Value(ScenarioParameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return Parameters.TryGetValue(parameter.Name, out double value) ? value : parameter.Default;
    }

    /// <summary>Names what is wrong for a scenario, or null.</summary>
    public string? Error(IScenario scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        if (Nodes is < 1 or > 100_000)
        {
            return $"--nodes is {Nodes}, must be 1 to 100000";
        }

        foreach (string name in Parameters.Keys.Order(StringComparer.Ordinal))
        {
            if (scenario.Parameters.All(known => known.Name != name))
            {
                return $"scenario '{scenario.Name}' has no parameter '{name}'";
            }
        }

        foreach (ScenarioParameter parameter in scenario.Parameters)
        {
            double value = Value(parameter);
            if (!(value >= parameter.Min && value <= parameter.Max))
            {
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"--{parameter.Name} is {value}, must be {parameter.Range}");
            }
        }

        return null;
    }

    /// <summary>The command that does the same run again.</summary>
    public string Command(IScenario scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        string command = string.Create(
            CultureInfo.InvariantCulture,
            $"igor-sim run {scenario.Name} --nodes {Nodes ?? scenario.DefaultNodes} --seed {Seed}");
        if (LatencyMatrix is not null)
        {
            command += $" --latency-matrix {LatencyMatrix}";
        }

        return command + string.Concat(Parameters
            .OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => $" --{pair.Key} {Format(scenario, pair.Key, pair.Value)}"));
    }

    private static string Format(IScenario scenario, string name, double value)
    {
        ScenarioParameter? parameter = scenario.Parameters.FirstOrDefault(one => one.Name == name);
        return parameter?.Format(value) ?? value.ToString(CultureInfo.InvariantCulture);
    }
}
