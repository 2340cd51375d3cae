using System.CommandLine;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Output;
using Igor.Dht.Cli.Values;
using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Dht.Cli.Commands;

/// <summary>
/// igor-dht serve: a storage node. Prints a line that starts with "ready" once it serves, and leaves the ring
/// in order on Ctrl-C, SIGTERM or SIGHUP.
/// </summary>
internal sealed class ServeCommand : CliCommand
{
    private const string DefaultListen = "0.0.0.0:4646";
    private static readonly TimeSpan s_readyPoll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_joinNotice = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_troublePoll = TimeSpan.FromSeconds(1);

    private readonly Option<bool> _found = new("--found")
    {
        Description =
            "Found a network if none of the nodes to join that are given or known answers (IGOR_FOUND=1)",
    };

    private readonly Option<TimeSpan?> _voteAfter = new("--vote-after")
    {
        HelpName = "DURATION",
        Description = "How long another node has to be there before this one lets it vote about registers: "
            + $"{Duration.Form} [default: 60s]",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (Duration.TryParse(text, out TimeSpan duration) && duration <= TimeSpan.FromDays(1))
            {
                return duration;
            }

            result.AddError($"--vote-after is {Duration.Form}, up to a day, not '{text}'");
            return null;
        },
    };

    private readonly Option<int> _upkeep = RangedOption.Whole(
        "--upkeep",
        200,
        1_000_000,
        400,
        "What a node of its own may spend to keep its place among the others, in bytes a second");

    private readonly Option<bool> _untilInputEnds = new("--until-input-ends")
    {
        Description = "Leave when standard input ends, too: with the process that started this one",
        Hidden = true,
    };

    public ServeCommand(CommonOptions common)
        : base(
            "serve",
            "Runs a storage node: on the daemon at the socket if there is one, else with a node of its own.",
            common,
            "igor-dht serve",
            "igor-dht serve --listen 127.0.0.1:7001 --data /tmp/a",
            "igor-dht serve --listen 127.0.0.1:7002 --data /tmp/b --bootstrap 127.0.0.1:7001")
    {
        Add(_found);
        Add(_voteAfter);
        Add(_upkeep);
        Add(_untilInputEnds);
    }

    /// <inheritdoc/>
    public override async Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
    {
        IgorDhtOptions common = Common.DhtOptions(arguments, ServiceRole.Member);
        IgorDhtOptions options = common with
        {
            ServeSocket = true,
            Listen = common.Listen ?? DefaultListen,
            Found = Common.Flag(arguments, _found, "IGOR_FOUND"),
            VoteAfter = arguments.GetValue(_voteAfter) ?? common.VoteAfter,
            UpkeepBytesPerSecond = arguments.GetValue(_upkeep),
        };
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (arguments.GetValue(_untilInputEnds))
        {
            _ = EndWithInputAsync(streams.In, ending);
        }

        try
        {
            return await WithDhtAsync(
                options,
                dht =>
                {
                    NoteUnused(dht, options with { Listen = common.Listen });
                    return ServeAsync(dht, streams, Common.IsJson(arguments), ending.Token);
                },
                ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // Being told to end is how a server ends; the node has left the ring when it was disposed.
            return ExitCode.Done;
        }
    }

    private static void NoteUnused(IgorDht dht, IgorDhtOptions given)
    {
        bool isUpkeepGiven = given.UpkeepBytesPerSecond != new IgorDhtOptions().UpkeepBytesPerSecond;
        if (dht.IsBehindDaemon
            && (given.Listen is not null || given.Bootstrap.Count > 0 || given.Found || isUpkeepGiven))
        {
            given.Noted?.Invoke(
                "attached to the node that runs already, whose settings count: --listen, --bootstrap, "
                + "--found and --upkeep are not used (a node of its own needs a --socket and a --data of "
                + "its own)");
        }
    }

    private static async Task<int> ServeAsync(
        IgorDht dht, CommandStreams streams, bool isJson, CancellationToken ending)
    {
        DhtStatus status = await UntilSettledAsync(dht, streams, ending).ConfigureAwait(false);
        await streams.WriteLineAsync(isJson ? ReadyText.Json(status) : ReadyText.Human(status), ending)
            .ConfigureAwait(false);
        return await ReportTroublesAsync(dht, streams, ending).ConfigureAwait(false);
    }

    private static async Task<DhtStatus> UntilSettledAsync(
        IgorDht dht, CommandStreams streams, CancellationToken ending)
    {
        TimeSpan waited = TimeSpan.Zero;
        TimeSpan notice = s_joinNotice;
        while (true)
        {
            ThrowIfSuperseded(dht);
            DhtStatus status = await dht.StatusAsync(ending).ConfigureAwait(false);
            if (status.IsJoined || status.Ring.State == RingState.Alone)
            {
                return status;
            }

            await Task.Delay(s_readyPoll, ending).ConfigureAwait(false);
            waited += s_readyPoll;
            if (waited >= notice)
            {
                streams.WriteErrorLine("igor-dht: still joining the ring");
                notice *= 2;
            }
        }
    }

    private static async Task<int> ReportTroublesAsync(
        IgorDht dht, CommandStreams streams, CancellationToken ending)
    {
        var notices = new TroubleNotices();
        bool isDrained = false;
        while (true)
        {
            if (dht.Drained.IsCompleted && !isDrained)
            {
                isDrained = true;
                streams.WriteErrorLine(
                    "igor-dht: drained: the node keeps no records for others any more, and can be stopped");
            }

            ThrowIfSuperseded(dht);
            foreach (string line in await NoticesAsync(dht, notices, ending).ConfigureAwait(false))
            {
                streams.WriteErrorLine("igor-dht: " + line);
            }

            await Task.Delay(s_troublePoll, ending).ConfigureAwait(false);
        }
    }

    private static void ThrowIfSuperseded(IgorDht dht)
    {
        if (dht.Superseded.IsCompletedSuccessfully)
        {
            throw CommandFailure.Local(dht.Superseded.Result);
        }
    }

    // A daemon that is away comes back, and this process attaches to it again.
    private static async Task<IReadOnlyList<string>> NoticesAsync(
        IgorDht dht, TroubleNotices notices, CancellationToken ending)
    {
        try
        {
            return notices.See((await dht.StatusAsync(ending).ConfigureAwait(false)).Troubles);
        }
        catch (DhtException e) when (e.Error == DhtError.Local)
        {
            return notices.LoseSight(new Trouble(TroubleKinds.Daemon, e.Message));
        }
    }

    private static async Task EndWithInputAsync(Stream input, CancellationTokenSource ending)
    {
        byte[] buffer = new byte[256];
        try
        {
            while (await input.ReadAsync(buffer, CancellationToken.None).ConfigureAwait(false) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Closed from the beginning: nobody holds the other end.
        }

        await ending.CancelAsync().ConfigureAwait(false);
    }
}
