using System.CommandLine;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Output;
using Igor.Dht.Protocol;

namespace Igor.Dht.Cli.Commands;

/// <summary>
/// igor-dht registers resolve: keeps one lineage of registers and gives up the others. Never by accident: it
/// says what is lost and asks, and a script says --yes.
/// </summary>
internal sealed class ResolveCommand : CliCommand
{
    private readonly Option<string> _keep = new("--keep")
    {
        HelpName = "LINEAGE",
        Required = true,
        Description = "The lineage that is kept, as 'igor-dht registers list' names it",
    };

    private readonly Option<bool> _yes = new("--yes")
    {
        Description = "Do not ask",
    };

    public ResolveCommand(CommonOptions common)
        : base(
            "resolve",
            "Keeps one lineage of registers where there are several, and gives up the others.",
            common,
            "igor-dht registers resolve --keep 1f0c61d0a5a3b6c2a8f4b1f8c0f5d8e7",
            "igor-dht registers resolve --yes --keep 1f0c61d0a5a3b6c2a8f4b1f8c0f5d8e7")
    {
        Add(_keep);
        Add(_yes);
    }

    /// <inheritdoc/>
    public override async Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
    {
        string kept = arguments.GetValue(_keep)!;
        using Deadline deadline = DeadlineOf(arguments, cancellation);
        IReadOnlyList<RegisterLineage> lineages = await WithDhtAsync(
            arguments,
            deadline,
            async dht =>
            {
                IReadOnlyList<RegisterLineage> before =
                    await dht.ListLineagesAsync(deadline.Token).ConfigureAwait(false);
                Check(kept, before);
                if (before.Count > 1 && !arguments.GetValue(_yes))
                {
                    Ask(kept, before, streams);
                    await AdoptCommand.ConfirmAsync(streams, deadline).ConfigureAwait(false);
                }

                await dht.KeepLineageAsync(kept, deadline.Token).ConfigureAwait(false);
                return await dht.ListLineagesAsync(deadline.Token).ConfigureAwait(false);
            },
            createsStore: false,
            unknown: "some cells may have given up the others").ConfigureAwait(false);
        return await ShowAsync(
            Common.IsJson(arguments) ? LineageText.Json(lineages) : LineageText.Human(lineages),
            streams,
            deadline,
            "the others are given up").ConfigureAwait(false);
    }

    private static void Check(string kept, IReadOnlyList<RegisterLineage> lineages)
    {
        if (!lineages.Any(lineage => lineage.Id == kept))
        {
            throw new CommandFailure(
                ExitCode.NotFound,
                "absent",
                $"there is no lineage '{kept}': 'igor-dht registers list' lists those that there are");
        }
    }

    private static void Ask(string kept, IReadOnlyList<RegisterLineage> lineages, CommandStreams streams)
    {
        long lost = lineages.Where(lineage => lineage.Id != kept).Sum(lineage => lineage.Registers);
        string loss = $"what is in {lost} registers of {lineages.Count - 1} other lineages is given up";
        if (Console.IsInputRedirected)
        {
            throw CommandFailure.Usage($"{loss}; with --yes that is done");
        }

        streams.WriteErrorLine($"{loss}, and only {kept} is kept. Type yes to do so:");
    }
}
