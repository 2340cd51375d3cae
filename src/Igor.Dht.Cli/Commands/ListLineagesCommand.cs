using System.CommandLine;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Output;
using Igor.Dht.Protocol;

namespace Igor.Dht.Cli.Commands;

/// <summary>igor-dht registers list: the lineages of registers, of which there should be one.</summary>
internal sealed class ListLineagesCommand(CommonOptions common) : CliCommand(
    "list",
    "Lists the lineages of registers: one, unless networks grew together that both wrote registers.",
    common,
    "igor-dht registers list",
    "igor-dht registers list --json")
{
    /// <inheritdoc/>
    public override async Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
    {
        using Deadline deadline = DeadlineOf(arguments, cancellation);
        IReadOnlyList<RegisterLineage> lineages = await WithDhtAsync(
            arguments, deadline, dht => dht.ListLineagesAsync(deadline.Token), createsStore: false)
            .ConfigureAwait(false);
        return await ShowAsync(
            Common.IsJson(arguments) ? LineageText.Json(lineages) : LineageText.Human(lineages),
            streams,
            deadline).ConfigureAwait(false);
    }
}
