using System.Globalization;
using Igor.Simulation.Scenarios;
using Spectre.Console;

namespace Igor.Simulation.Cli;

/// <summary>A result for people at a terminal.</summary>
internal static class ResultTable
{
    public static void Write(IAnsiConsole console, ScenarioResult result)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("metric");
        table.AddColumn(new TableColumn("value").RightAligned());
        table.Title = new TableTitle(Markup.Escape(
            $"{result.Scenario}: {result.Nodes} nodes, seed {result.Seed}, latency {result.LatencyModel}"));
        foreach ((string name, double value) in result.Metrics)
        {
            table.AddRow(Markup.Escape(name), value.ToString("#,0.####", CultureInfo.InvariantCulture));
        }

        table.AddEmptyRow();
        table.AddRow("virtualSeconds", result.VirtualSeconds.ToString("#,0.0", CultureInfo.InvariantCulture));
        table.AddRow("wallSeconds", result.WallSeconds.ToString("#,0.0", CultureInfo.InvariantCulture));
        table.AddRow("memoryMiB", result.MemoryMiB.ToString("#,0.0", CultureInfo.InvariantCulture));
        table.AddRow("events", result.Events.ToString("#,0", CultureInfo.InvariantCulture));
        table.AddRow("traceHash", result.TraceHash);
        string verdict = result.Violations.Count == 0
            ? "[green]none[/]"
            : $"[red]{result.Violations.Count}[/]";
        table.AddRow("violations", verdict);
        console.Write(table);
    }
}
