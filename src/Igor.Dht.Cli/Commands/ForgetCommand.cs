using System.CommandLine;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Output;
using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Dht.Cli.Commands;

/// <summary>
/// igor-dht forget: gives a member up that is dead for good. Never by accident: it says what may be lost and
/// asks, and a script says --yes.
/// </summary>
internal sealed class ForgetCommand : CliCommand
{
    private readonly Argument<string> _node = new("NODE")
    {
        Description = "The whole id of the node, as 'igor-dht status --json' lists it under \"missing\"",
    };

    private readonly Option<bool> _yes = new("--yes")
    {
        Description = "Do not ask",
    };

    public ForgetCommand(CommonOptions common)
        : base(
            "forget",
            "Gives up a node that is dead for good, so that no majority waits for it.",
            common,
            "igor-dht forget 5f0c61d0a5a3b6c2a8f4b1f8c0f5d8e7b9a1c2d3e4f5061728394a5b6c7d8e9f",
            "igor-dht forget --yes --json 5f0c61d0a5a3b6c2a8f4b1f8c0f5d8e7b9a1c2d3e4f5061728394a5b6c7d8e9f")
    {
        Add(_node);
        Add(_yes);
    }

    /// <inheritdoc/>
    public override async Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
    {
        string text = arguments.GetValue(_node)!;
        Key node = Key.TryParse(text, out Key parsed)
            ? parsed
            : throw CommandFailure.Usage(
                $"'{text}' is not the whole id of a node, 64 hexadecimal digits: 'igor-dht status --json' "
                + "lists those that are missed under \"missing\"");
        using Deadline deadline = DeadlineOf(arguments, cancellation);
        ForgetResult result = await WithDhtAsync(
            arguments,
            deadline,
            async dht =>
            {
                ForgetResult survey = await dht.AskToForgetAsync(node, deadline.Token).ConfigureAwait(false);
                Check(node, survey);
                if (!arguments.GetValue(_yes))
                {
                    Ask(node, survey, streams);
                    await AdoptCommand.ConfirmAsync(streams, deadline).ConfigureAwait(false);
                }

                ForgetResult end = await dht.ForgetAsync(node, deadline.Token).ConfigureAwait(false);
                return end.IsThere ? throw IsThere(node) : end;
            },
            createsStore: false,
            unknown: "some of the nodes near it may have forgotten it").ConfigureAwait(false);
        return await ShowAsync(
            Common.IsJson(arguments) ? Json(node, result) : Human(node, result),
            streams,
            deadline,
            "the node is forgotten").ConfigureAwait(false);
    }

    private static void Check(Key node, ForgetResult survey)
    {
        if (survey.IsThere)
        {
            throw IsThere(node);
        }

        if (!survey.IsMissed)
        {
            throw new CommandFailure(
                ExitCode.NotFound,
                "absent",
                $"the nodes near {node.ToShortString()} do not miss it: there is nothing to forget");
        }
    }

    private static CommandFailure IsThere(Key node) => new(
        ExitCode.Refused,
        "refused",
        $"node {node.ToShortString()} is there, and cannot be forgotten: to end it for good, drain "
        + "it ('igor-dht drain') and stop it");

    private static void Ask(Key node, ForgetResult survey, CommandStreams streams)
    {
        string loss = Loss(survey);
        if (Console.IsInputRedirected)
        {
            throw CommandFailure.Usage($"{loss}; with --yes node {node.ToShortString()} is forgotten");
        }

        streams.WriteErrorLine(
            $"{loss}. If node {node.ToShortString()} lives after all, cut off from the others, it may go on "
            + "apart from them, and what registers are written there is void once they meet. Type yes to "
            + "forget it:");
    }

    private static string Loss(ForgetResult survey) => LossOfRecords(survey) + LossOfRegisters(survey);

    private static string LossOfRegisters(ForgetResult survey) =>
        survey.Cells == 0 ? string.Empty
        : survey.CellsInDoubt == 0
            ? $"; of the registers of the {survey.Cells} of 256 cells that it votes about, most voters are "
                + "there"
            : $"; of the registers of {survey.CellsInDoubt} of 256 cells that it votes about most voters are "
                + "missed: they are served again when all of those are forgotten, and what only these "
                + "acknowledged is lost";

    private static string LossOfRecords(ForgetResult survey) => survey.RecordsInDoubt == 0
        ? $"all of the {survey.Records} records near it that it was to hold have a majority of their copies "
            + "elsewhere"
        : $"of {survey.RecordsInDoubt} of the {survey.Records} records near it that it was to hold, most "
            + $"copies are with the {survey.Missing} nodes that are missed: newer versions and records that "
            + "these alone have are lost";

    private static string Human(Key node, ForgetResult result) =>
        $"forgot node {node} on {result.Told} of {result.Asked} nodes near it; {Loss(result)}"
        + (result.Told < result.Asked ? "; to tell the others, repeat the command" : string.Empty);

    private static string Json(Key node, ForgetResult result) => JsonText.Object(writer =>
    {
        writer.WriteString("node", node.ToString());
        writer.WriteNumber("told", result.Told);
        writer.WriteNumber("asked", result.Asked);
        writer.WriteNumber("missing", result.Missing);
        writer.WriteNumber("records", result.Records);
        writer.WriteNumber("recordsInDoubt", result.RecordsInDoubt);
        writer.WriteNumber("cells", result.Cells);
        writer.WriteNumber("cellsInDoubt", result.CellsInDoubt);
    });
}
