using System.Globalization;
using Igor.Dht.Cli.Output;
using Igor.Dht.Cli.Values;
using Igor.Kbr;
using Spectre.Console;

namespace Igor.Dht.Cli.Demo;

/// <summary>
/// How the demonstration looks: bars that move on a terminal, and at the end a table of what happened.
/// </summary>
internal static class DemoScreen
{
    /// <summary>
    /// Runs the work; its progress shows as bars where standard output is a terminal, else not at all.
    /// </summary>
    public static async Task<DemoReport> WithProgressAsync(
        bool isShown, Func<Action<DemoProgress>, Task<DemoReport>> work)
    {
        if (!isShown || Console.IsOutputRedirected)
        {
            return await work(_ => { }).ConfigureAwait(false);
        }

        return await AnsiConsole.Progress()
            .Columns(
                new TaskDescriptionColumn(),
                new ProgressBarColumn(),
                new PercentageColumn(),
                new ElapsedTimeColumn())
            .StartAsync(context => work(Bars(context)))
            .ConfigureAwait(false);
    }

    /// <summary>Shows what happened.</summary>
    public static void Show(DemoReport report)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("what", "result", "time");
        Row(table, "nodes started, a process each", Number(report.Nodes), report.StartTime);
        Row(
            table,
            "records put (customers, JSON)",
            $"{Number(report.Records)}, {Quantity.Bytes(report.ValueBytes)}",
            null);
        Row(
            table,
            "acknowledged, on disk at a majority",
            $"{OfAll(report.Acknowledged, report.Records)}, {Rate(report.Acknowledged, report.PutTime)}",
            report.PutTime);
        Row(table, "killed without warning", "node " + string.Join(" and ", report.Killed), null);
        Row(
            table,
            "read back at once from a survivor",
            $"{OfAll(report.Readable, report.Records)}, {Rate(report.Readable, report.GetTime)}",
            report.GetTime);
        Row(table, "slowest read", string.Empty, report.SlowestGet);
        AnsiConsole.Write(table);
        string trouble = PrintableText.Of(report.Trouble ?? string.Empty);
        AnsiConsole.MarkupLineInterpolated(
            report.IsComplete
                ? $"[green]{report.Killed.Count} of {report.Nodes} nodes died, every record is there.[/]"
                : (FormattableString)$"[red]Records are missing: {trouble}.[/]");
    }

    /// <summary>What happened, for programs.</summary>
    public static string Json(DemoReport report) => JsonText.Object(writer =>
    {
        writer.WriteNumber("nodes", report.Nodes);
        writer.WriteNumber("startMs", Milliseconds(report.StartTime));
        writer.WriteNumber("records", report.Records);
        writer.WriteNumber("valueBytes", report.ValueBytes);
        writer.WriteNumber("acknowledged", report.Acknowledged);
        writer.WriteNumber("putMs", Milliseconds(report.PutTime));
        writer.WriteStartArray("killed");
        foreach (int number in report.Killed)
        {
            writer.WriteNumberValue(number);
        }

        writer.WriteEndArray();
        writer.WriteNumber("readable", report.Readable);
        writer.WriteNumber("getMs", Milliseconds(report.GetTime));
        writer.WriteNumber("slowestGetMs", Milliseconds(report.SlowestGet));
        writer.WriteString("trouble", report.Trouble);
    });

    private static Action<DemoProgress> Bars(ProgressContext context)
    {
        var bars = new Dictionary<string, ProgressTask>();
        return progress =>
        {
            lock (bars)
            {
                if (!bars.TryGetValue(progress.Phase, out ProgressTask? bar))
                {
                    bar = context.AddTask(progress.Phase, maxValue: progress.Total);
                    bars.Add(progress.Phase, bar);
                }

                bar.Value = Math.Max(bar.Value, progress.Done);
            }
        };
    }

    private static void Row(Table table, string what, string result, TimeSpan? time) => table.AddRow(
        new Text(what),
        new Text(result),
        new Text(time is { } known ? Quantity.Elapsed(known) : string.Empty));

    private static string OfAll(int count, int all) =>
        count == all ? $"all {Number(all)}" : $"{Number(count)} of {Number(all)}";

    private static string Rate(int count, TimeSpan time) => $"{Number((long)(count / time.TotalSeconds))}/s";

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;
}
