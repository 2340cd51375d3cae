using System.Globalization;
using Igor.Simulation.Scenarios;

namespace Igor.Simulation.Cli;

/// <summary>A run of a scenario for each of several values.</summary>
internal static class ParameterSweep
{
    private const int RunsMax = 1000;

    /// <summary>The settings of all runs: one, where there is no sweep.</summary>
    /// <exception cref="UsageException">A value is wrong.</exception>
    public static IReadOnlyList<ScenarioSettings> Of(
        IScenario scenario, ScenarioSettings settings, string? sweep)
    {
        IReadOnlyList<ScenarioSettings> runs =
            sweep is null ? [settings] : [.. Vary(scenario, settings, sweep)];
        return runs.Select(run => run.Error(scenario)).FirstOrDefault(error => error is not null) is { } error
            ? throw new UsageException(error)
            : runs;
    }

    /// <summary>The value of a parameter.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static double Parse(ScenarioParameter parameter, string text) => parameter.Parse(text)
        ?? throw new UsageException($"--{parameter.Name} is '{text}', must be {parameter.Range}");

    private static IEnumerable<ScenarioSettings> Vary(
        IScenario scenario, ScenarioSettings settings, string sweep)
    {
        int equals = sweep.IndexOf('=', StringComparison.Ordinal);
        string[] texts = sweep[(equals + 1)..].Split(',');
        if (equals < 1 || texts.Length > RunsMax)
        {
            throw new UsageException(
                $"--sweep is '{sweep}', must be NAME=a,b,c with {RunsMax} values at most");
        }

        string name = sweep[..equals];
        return texts.Select(text => name switch
        {
            "seed" => settings with { Seed = Number<ulong>(name, text) },
            "nodes" => settings with { Nodes = Number<int>(name, text) },
            _ => settings with { Parameters = With(scenario, settings, name, text) },
        });
    }

    private static Dictionary<string, double> With(
        IScenario scenario, ScenarioSettings settings, string name, string text)
    {
        ScenarioParameter parameter = scenario.Parameters.FirstOrDefault(one => one.Name == name)
            ?? throw new UsageException(
                $"--sweep: scenario '{scenario.Name}' has no parameter '{name}'; "
                + $"igor-sim describe {scenario.Name} lists them, and there are seed and nodes");
        return new Dictionary<string, double>(settings.Parameters) { [name] = Parse(parameter, text) };
    }

    private static T Number<T>(string name, string text)
        where T : IParsable<T> =>
        T.TryParse(text, CultureInfo.InvariantCulture, out T? value)
            ? value
            : throw new UsageException($"--sweep: '{text}' is no value of {name}");
}
