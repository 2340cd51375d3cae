using System.CommandLine;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Output;

namespace Igor.Dht.Cli.Commands;

/// <summary>
/// igor-dht store adopt: moves a data folder and its records into another network. Never by accident: it
/// asks, and a script says --yes.
/// </summary>
internal sealed class AdoptCommand : CliCommand
{
    private readonly Option<bool> _yes = new("--yes")
    {
        Description = "Do not ask",
    };

    public AdoptCommand(CommonOptions common)
        : base(
            "adopt",
            "Moves a data folder, its identity and its records into another network.",
            common,
            "igor-dht store adopt --network production --data /var/lib/igor",
            "igor-dht store adopt --network test --data /tmp/a --yes")
    {
        Add(_yes);
    }

    /// <inheritdoc/>
    public override async Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
    {
        string network = Common.Network(arguments)
            ?? throw CommandFailure.Usage("say which network the folder is to belong to with --network NAME");
        using Deadline deadline = DeadlineOf(arguments, cancellation);
        using NetworkAdoption adoption = NetworkAdoption.Open(Common.Data(arguments));
        string before = adoption.Networks is [_, ..] names ? $"'{string.Join("' and '", names)}'" : "none";
        if (adoption.Networks is not [var only] || only != network)
        {
            if (!arguments.GetValue(_yes))
            {
                Ask(adoption, before, network, streams);
                await ConfirmAsync(streams, deadline).ConfigureAwait(false);
            }

            adoption.MoveTo(network);
        }

        string result = Common.IsJson(arguments)
            ? JsonText.Object(writer =>
            {
                writer.WriteString("data", adoption.Data);
                writer.WriteString("network", network);
            })
            : $"{adoption.Data} belongs to the network '{network}' (before: {before})";
        return await ShowAsync(result, streams, deadline, "the folder has moved").ConfigureAwait(false);
    }

    private static void Ask(
        NetworkAdoption adoption, string before, string network, CommandStreams streams)
    {
        if (Console.IsInputRedirected)
        {
            throw CommandFailure.Usage(
                $"{adoption.Data} belongs to the network {before}; with --yes it moves to '{network}'");
        }

        string what = adoption.HasRecords ? "with its records" : "which holds no records";
        streams.WriteErrorLine(
            $"{adoption.Data}, {what}, moves from the network {before} to '{network}'. Type yes to go on:");
    }

    /// <summary>Waits for a yes.</summary>
    /// <exception cref="CommandFailure">The answer is another, or does not come in time.</exception>
    internal static async Task ConfirmAsync(CommandStreams streams, Deadline deadline)
    {
        using var reader = new StreamReader(streams.In, leaveOpen: true);
        string? answer = await deadline.BoundAsync(
            Task.Run(reader.ReadLine, deadline.Token),
            () => CommandFailure.Local($"no answer within {deadline.Text}; nothing was changed"))
            .ConfigureAwait(false);
        if (answer?.Trim() is not ("yes" or "y"))
        {
            throw CommandFailure.Usage("nothing was changed");
        }
    }
}
