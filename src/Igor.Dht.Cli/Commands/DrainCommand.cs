using System.CommandLine;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Output;
using Igor.Dht.Cli.Values;
using Igor.Dht.Protocol;

namespace Igor.Dht.Cli.Commands;

/// <summary>
/// igor-dht drain: has a running node give all that it holds to others, and leave when nothing hangs on it.
/// </summary>
internal sealed class DrainCommand : CliCommand
{
    private static readonly TimeSpan s_within = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_withinMax = TimeSpan.FromDays(7);

    private readonly Option<TimeSpan?> _within = new("--within")
    {
        HelpName = "DURATION",
        Description = $"The time that it may take: {Duration.Form} [default: 10m]",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (Duration.TryParse(text, out TimeSpan duration) && duration <= s_withinMax)
            {
                return duration;
            }

            result.AddError($"--within is {Duration.Form}, up to 7 days, not '{text}'");
            return null;
        },
    };

    public DrainCommand(CommonOptions common)
        : base(
            "drain",
            "Moves all that the running node holds to others, so that it can be stopped for good.",
            common,
            "igor-dht drain",
            "igor-dht drain --within 2h --socket /run/igor/igor.sock",
            "igor-dht drain --json | tail -n 1")
    {
        Add(_within);
    }

    /// <inheritdoc/>
    public override async Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
    {
        TimeSpan within = Common.Timeout(arguments) ?? arguments.GetValue(_within) ?? s_within;
        bool isJson = Common.IsJson(arguments);
        DrainProgress end = await WithDhtAsync(
            Common.DhtOptions(arguments) with { CreatesStore = false },
            dht => DrainAsync(dht, within, new DrainNotices(streams, isJson), cancellation),
            cancellation).ConfigureAwait(false);
        if (end.Stage != DrainStage.Drained)
        {
            throw new CommandFailure(ExitCode.Unreachable, "not_drained", DrainText.Failed(end, within));
        }

        await streams.WriteLineAsync(isJson ? DrainText.Json(end) : DrainText.Drained(end), cancellation)
            .ConfigureAwait(false);
        return ExitCode.Done;
    }

    private static async Task<DrainProgress> DrainAsync(
        IgorDht dht, TimeSpan within, DrainNotices notices, CancellationToken cancellation)
    {
        if (!dht.IsBehindDaemon)
        {
            throw CommandFailure.Local(
                "no node runs here: name the socket of the node that is to be drained with --socket");
        }

        try
        {
            return await dht.DrainAsync(within, notices, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw CommandFailure.Interrupted("interrupted; the node was told to stay a member");
        }
    }
}
