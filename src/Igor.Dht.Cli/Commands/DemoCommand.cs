using System.CommandLine;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Demo;
using Igor.Dht.Cli.Failures;

namespace Igor.Dht.Cli.Commands;

/// <summary>igor-dht demo: five real nodes, two deaths, no loss.</summary>
internal sealed class DemoCommand : CliCommand
{
    private readonly Option<int> _records =
        RangedOption.Whole("--records", 1, 100_000, 1000, "Number of records, 1 to 100000");

    private readonly Option<int> _seed = RangedOption.Whole(
        "--seed", 0, int.MaxValue, 1, "Decides what the records say and which nodes die");

    public DemoCommand(CommonOptions common)
        : base(
            "demo",
            "Starts five nodes on this machine, stores records, kills two nodes, and reads everything back.",
            common,
            "igor-dht demo",
            "igor-dht demo --records 10000 --seed 7 --json")
    {
        Add(_records);
        Add(_seed);
    }

    /// <inheritdoc/>
    public override async Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
    {
        bool isJson = Common.IsJson(arguments);
        if (streams.Out is DescriptorStream { IsClosed: true })
        {
            throw CommandFailure.Local("standard output is closed");
        }

        int seed = arguments.GetValue(_seed);
        TimeSpan timeout = Common.Timeout(arguments) ?? TimeSpan.FromSeconds(30);
        DemoRecord[] records = DemoRecord.Generate(arguments.GetValue(_records), seed);
        DemoReport report = await DemoScreen.WithProgressAsync(
            isShown: !isJson,
            async progress =>
            {
                using var run = new DemoRun(seed, timeout, progress);
                return await run.RunAsync(records, cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);

        if (isJson)
        {
            await streams.WriteLineAsync(DemoScreen.Json(report), cancellation).ConfigureAwait(false);
        }
        else
        {
            DemoScreen.Show(report);
        }

        return report.IsComplete ? ExitCode.Done : ExitCode.Unreachable;
    }
}
