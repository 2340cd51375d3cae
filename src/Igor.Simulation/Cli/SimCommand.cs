using System.CommandLine;
using System.Globalization;
using Igor.Simulation.Scenarios;
using Spectre.Console;

namespace Igor.Simulation.Cli;

/// <summary>The `igor-sim` command: `run`, `list` and `describe`.</summary>
internal static class SimCommand
{
    private const int ExitDone = 0;

    /// <summary>Wrong usage, or the checkers found violations.</summary>
    public const int ExitFailed = 1;

    /// <summary>A file or the output cannot be read or written.</summary>
    public const int ExitLocalTrouble = 5;

    public static RootCommand Create()
    {
        var root = new RootCommand(
            "Runs Igor's protocols in virtual time: a seed reproduces a run bit for bit.");
        var run = new Command("run", "Run a scenario.");
        foreach (IScenario scenario in ScenarioCatalog.All)
        {
            run.Subcommands.Add(CreateRun(scenario));
        }

        var name = new Argument<string>("scenario") { Description = "Name of the scenario." };
        name.AcceptOnlyFromAmong([.. ScenarioCatalog.All.Select(scenario => scenario.Name)]);
        var describe = new Command("describe", "Say what a scenario does, and its parameters.") { name };
        describe.SetAction(result => Describe(ScenarioCatalog.Find(result.GetValue(name)!)!));
        var list = new Command("list", "List the scenarios.");
        list.SetAction(_ => List());
        root.Subcommands.Add(run);
        root.Subcommands.Add(list);
        root.Subcommands.Add(describe);
        return root;
    }

    private static Command CreateRun(IScenario scenario)
    {
        var command = new Command(scenario.Name, scenario.Summary);
        var nodes = new Option<int>("--nodes")
        {
            Description = "Number of nodes.",
            DefaultValueFactory = _ => scenario.DefaultNodes,
        };
        var seed = new Option<ulong>("--seed")
        {
            Description = "The same seed gives the same run.",
            DefaultValueFactory = _ => 1,
        };
        var matrix = new Option<string?>("--latency-matrix")
        {
            Description = "File of round-trip times in ms (n lines of n numbers, perhaps gzip); "
                + "else a synthetic model.",
        };
        var json = new Option<string?>("--json")
        {
            Description = "Where to write the result; - for standard output.",
        };
        var values = new List<(ScenarioParameter Parameter, Option<double> Option)>();
        command.Options.Add(nodes);
        command.Options.Add(seed);
        command.Options.Add(matrix);
        command.Options.Add(json);
        foreach (ScenarioParameter parameter in scenario.Parameters)
        {
            var option = new Option<double>("--" + parameter.Name)
            {
                Description = parameter.Description,
                DefaultValueFactory = _ => parameter.Default,
            };
            values.Add((parameter, option));
            command.Options.Add(option);
        }

        command.SetAction(result => Run(
            scenario,
            new ScenarioSettings
            {
                Seed = result.GetValue(seed),
                Nodes = result.GetValue(nodes),
                LatencyMatrix = result.GetValue(matrix),
                Parameters = values
                    .Where(one => result.GetResult(one.Option) is { Implicit: false })
                    .ToDictionary(one => one.Parameter.Name, one => result.GetValue(one.Option)),
            },
            result.GetValue(json)));
        return command;
    }

    private static int Run(IScenario scenario, ScenarioSettings settings, string? jsonPath)
    {
        if (settings.Error(scenario) is { } error)
        {
            Console.Error.WriteLine("igor-sim: " + error);
            return ExitFailed;
        }

        ScenarioResult result;
        try
        {
            result = ScenarioRun.Execute(scenario, settings, text => Console.Error.WriteLine(text));
            if (jsonPath is not null and not "-")
            {
                File.WriteAllText(jsonPath, result.ToJson() + "\n");
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine("igor-sim: " + e.Message);
            return ExitLocalTrouble;
        }

        if (jsonPath == "-")
        {
            Console.WriteLine(result.ToJson());
        }
        else
        {
            ResultTable.Write(AnsiConsole.Console, result);
        }

        if (result.Violations.Count == 0)
        {
            return ExitDone;
        }

        Console.Error.WriteLine($"igor-sim: {result}");
        return ExitFailed;
    }

    private static int List()
    {
        var table = new Table().AddColumns("scenario", "nodes", "what happens").Border(TableBorder.Rounded);
        foreach (IScenario scenario in ScenarioCatalog.All)
        {
            table.AddRow(
                Markup.Escape(scenario.Name),
                scenario.DefaultNodes.ToString(CultureInfo.InvariantCulture),
                Markup.Escape(scenario.Summary));
        }

        AnsiConsole.Write(table);
        return ExitDone;
    }

    private static int Describe(IScenario scenario)
    {
        AnsiConsole.WriteLine(scenario.Summary);
        var table = new Table()
            .AddColumns("option", "default", "range", "meaning")
            .Border(TableBorder.Rounded);
        string nodes = scenario.DefaultNodes.ToString(CultureInfo.InvariantCulture);
        table.AddRow("--nodes", nodes, "1 to 100000", "Number of nodes.");
        foreach (ScenarioParameter parameter in scenario.Parameters)
        {
            table.AddRow(
                Markup.Escape("--" + parameter.Name),
                parameter.Default.ToString(CultureInfo.InvariantCulture),
                string.Create(CultureInfo.InvariantCulture, $"{parameter.Min} to {parameter.Max}"),
                Markup.Escape(parameter.Description));
        }

        AnsiConsole.Write(table);
        return ExitDone;
    }
}
