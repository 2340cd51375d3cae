using System.CommandLine;
using System.Globalization;
using Igor.Simulation.Scenarios;
using Spectre.Console;

namespace Igor.Simulation.Cli;

/// <summary>The `igor-sim` command: `run`, `seeds`, `list` and `describe`.</summary>
internal static class SimCommand
{
    /// <summary>All is well.</summary>
    public const int ExitDone = 0;

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
            run.Subcommands.Add(RunCommand.Create(scenario));
        }

        var name = new Argument<string>("scenario") { Description = "Name of the scenario." };
        name.AcceptOnlyFromAmong([.. ScenarioCatalog.All.Select(scenario => scenario.Name)]);
        var describe = new Command("describe", "Say what a scenario does, and its parameters.") { name };
        describe.SetAction(result => Describe(ScenarioCatalog.Find(result.GetValue(name)!)!));
        var list = new Command("list", "List the scenarios.");
        list.SetAction(_ => List());
        root.Subcommands.Add(run);
        root.Subcommands.Add(SeedsCommand.Create());
        root.Subcommands.Add(list);
        root.Subcommands.Add(describe);
        return root;
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
                parameter.Format(parameter.Default),
                parameter.Range,
                Markup.Escape(parameter.Description));
        }

        AnsiConsole.Write(table);
        return ExitDone;
    }
}
