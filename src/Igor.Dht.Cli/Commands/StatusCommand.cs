using System.CommandLine;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Output;

namespace Igor.Dht.Cli.Commands;

/// <summary>
/// igor-dht status: the node, its neighbours, its store, and what troubles it. With --check the exit code
/// says whether there is any trouble.
/// </summary>
internal sealed class StatusCommand : CliCommand
{
    private readonly Option<bool> _check = new("--check")
    {
        Description = "Exit with 0 only when nothing troubles the node, else with 3",
    };

    public StatusCommand(CommonOptions common)
        : base(
            "status",
            "Shows the node, its neighbours, what it stores, and what troubles it.",
            common,
            "igor-dht status",
            "igor-dht status --check",
            "igor-dht status --socket /run/igor/igor.sock --json")
    {
        Add(_check);
    }

    /// <inheritdoc/>
    public override async Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
    {
        using Deadline deadline = DeadlineOf(arguments, cancellation);
        DhtStatus status = await WithDhtAsync(
            arguments, deadline, dht => dht.StatusAsync(deadline.Token), createsStore: false)
            .ConfigureAwait(false);
        int shown = await ShowAsync(
            Common.IsJson(arguments) ? StatusText.Json(status) : StatusText.Human(status), streams, deadline)
            .ConfigureAwait(false);
        return arguments.GetValue(_check) && !status.IsHealthy ? ExitCode.Unreachable : shown;
    }
}
