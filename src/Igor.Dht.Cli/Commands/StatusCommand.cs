using System.CommandLine;

namespace Igor.Dht.Cli;

/// <summary>igor-dht status: the node, its neighbours, its store, and what troubles it.</summary>
internal sealed class StatusCommand : CliCommand
{
    public StatusCommand(CommonOptions common)
        : base(
            "status",
            "Shows the node, its neighbours, what it stores, and what troubles it.",
            common,
            "igor-dht status",
            "igor-dht status --socket /run/igor/igor.sock --json")
    {
    }

    /// <inheritdoc/>
    public override async Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
    {
        using Deadline deadline = DeadlineOf(arguments, cancellation);
        DhtStatus status = await WithDhtAsync(
            arguments, deadline, dht => dht.StatusAsync(deadline.Token)).ConfigureAwait(false);
        return await ShowAsync(
            Common.IsJson(arguments) ? StatusText.Json(status) : StatusText.Human(status), streams, deadline)
            .ConfigureAwait(false);
    }
}
