using System.CommandLine;
using Igor.Simulation.Scenarios;
using Spectre.Console;

namespace Igor.Simulation.Cli;

/// <summary>`igor-sim run SCENARIO`: one run, or one for each value of a sweep.</summary>
internal sealed class RunCommand
{
    private readonly IScenario _scenario;
    private readonly Option<int> _nodes;
    private readonly Option<ulong> _seed = new("--seed")
    {
        Description = "The same seed gives the same run.",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<string?> _matrix = new("--latency-matrix")
    {
        Description = "File of round-trip times in ms (n lines of n numbers, perhaps gzip); "
            + "else a synthetic model.",
    };

    private readonly Option<string?> _json = new("--json")
    {
        Description = "Where to write the result, of a sweep an array; - for standard output.",
    };

    private readonly Option<string?> _sweep = new("--sweep")
    {
        Description = "NAME=a,b,c: a run for each value of a parameter, of seed or of nodes; prints CSV "
            + "after the last one.",
    };

    private readonly Option<string?> _csv = new("--csv")
    {
        Description = "Where to write the result as CSV, a line for each run; - for standard output.",
    };

    private readonly Option<bool> _progress = new("--progress")
    {
        Description = "Tell on standard error what goes on, also when that is no terminal.",
    };

    private readonly List<(ScenarioParameter Parameter, Option<string> Option)> _values = [];

    private RunCommand(IScenario scenario)
    {
        _scenario = scenario;
        _nodes = new Option<int>("--nodes")
        {
            Description = "Number of nodes.",
            DefaultValueFactory = _ => scenario.DefaultNodes,
        };
    }

    public static Command Create(IScenario scenario)
    {
        var run = new RunCommand(scenario);
        var command = new Command(scenario.Name, scenario.Summary);
        command.Options.Add(run._nodes);
        command.Options.Add(run._seed);
        command.Options.Add(run._matrix);
        command.Options.Add(run._json);
        command.Options.Add(run._sweep);
        command.Options.Add(run._csv);
        command.Options.Add(run._progress);
        foreach (ScenarioParameter parameter in scenario.Parameters)
        {
            var option = new Option<string>("--" + parameter.Name)
            {
                Description = $"{parameter.Description} ({parameter.Range})",
                DefaultValueFactory = _ => parameter.Format(parameter.Default),
            };
            run._values.Add((parameter, option));
            command.Options.Add(option);
        }

        command.SetAction(run.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var results = new List<ScenarioResult>();
        string? jsonPath = parsed.GetValue(_json);
        string? sweep = parsed.GetValue(_sweep);
        string? csvPath = parsed.GetValue(_csv) ?? (sweep is null || jsonPath == "-" ? null : "-");
        if (csvPath == "-" && jsonPath == "-")
        {
            return Complain("--json and --csv cannot both go to standard output", SimCommand.ExitFailed);
        }

        try
        {
            IReadOnlyList<ScenarioSettings> runs = ParameterSweep.Of(_scenario, SettingsOf(parsed), sweep);
            Action<string>? progress = parsed.GetValue(_progress) || !Console.IsErrorRedirected
                ? Console.Error.WriteLine
                : null;
            using ResultOutput json = Open(_json, jsonPath);
            using ResultOutput csv = Open(_csv, csvPath);
            foreach (ScenarioSettings settings in runs)
            {
                results.Add(ScenarioRun.Execute(_scenario, settings, progress));
                bool isWhole = results.Count == runs.Count;
                csv.Update(CsvTable.Of(results), isWhole);
                string text = sweep is null ? results[0].ToJson() : ScenarioResult.ToJson(results);
                json.Update(text + "\n", isWhole);
            }
        }
        catch (UsageException e)
        {
            return Complain(e.Message, SimCommand.ExitFailed);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return Complain(e.Message, SimCommand.ExitLocalTrouble);
        }

        if (jsonPath != "-" && csvPath != "-")
        {
            results.ForEach(result => ResultTable.Write(AnsiConsole.Console, result));
        }

        var bad = results.Where(result => result.Violations.Count > 0).ToList();
        bad.ForEach(result => Complain(result.ToString(), SimCommand.ExitFailed));
        return bad.Count == 0 ? SimCommand.ExitDone : SimCommand.ExitFailed;
    }

    private static ResultOutput Open(Option option, string? path) => NamedFile.Use(
        option.Name, path ?? "-", "one in a folder that you may write to", () => ResultOutput.Open(path));

    private ScenarioSettings SettingsOf(ParseResult parsed)
    {
        if (parsed.GetValue(_matrix) is { } matrix)
        {
            NamedFile.Use(
                _matrix.Name,
                matrix,
                "a file with a line of round-trip times for each host",
                () => File.OpenRead(matrix)).Dispose();
        }

        var values = new Dictionary<string, double>();
        foreach ((ScenarioParameter parameter, Option<string> option) in _values)
        {
            if (parsed.GetResult(option) is { Implicit: false })
            {
                values[parameter.Name] = ParameterSweep.Parse(parameter, parsed.GetValue(option)!);
            }
        }

        return new ScenarioSettings
        {
            Seed = parsed.GetValue(_seed),
            Nodes = parsed.GetValue(_nodes),
            LatencyMatrix = parsed.GetValue(_matrix),
            Parameters = values,
        };
    }

    private static int Complain(string text, int exitCode)
    {
        Console.Error.WriteLine("igor-sim: " + text);
        return exitCode;
    }
}
