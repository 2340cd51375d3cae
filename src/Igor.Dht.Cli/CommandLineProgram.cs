using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Commands;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Output;
using Igor.Kbr;

namespace Igor.Dht.Cli;

/// <summary>
/// igor-dht from its arguments to its exit code. A command either prints its result on standard output and
/// exits with 0, or prints one line (with --json, one object) on standard error and exits with what the cause
/// stands for.
/// </summary>
internal static class CommandLineProgram
{
    private const string Name = "igor-dht";

    private static readonly string InterruptedKind = CommandFailure.Interrupted(string.Empty).Kind;

    /// <summary>Runs the program and returns its exit code.</summary>
    public static async Task<int> RunAsync(string[] arguments, CommandStreams streams)
    {
        using var interruption = new Interruption();
        bool isJson = Array.IndexOf(arguments, "--json") >= 0;
        bool isServer = Array.IndexOf(arguments, "serve") >= 0; // its end may be far away
        var notes = new Notes(Name, isHeld: isJson && !isServer, isJson, streams);
        var common = new CommonOptions(Environment.GetEnvironmentVariable, notes.Add);
        RootCommand root = Root(common, streams, interruption.Token);

        // A value may start with @, which would be the name of a file with arguments.
        var parsing = new ParserConfiguration { ResponseFileTokenReplacer = null };
        ParseResult parsed = root.Parse(arguments, parsing);
        if ((WrongUsage(parsed) ?? NotText(parsed)) is { } wrong)
        {
            return Report(wrong, wrong.ExitCode, isJson, notes, streams);
        }

        try
        {
            await using var output = new StreamWriter(streams.Out, leaveOpen: true) { AutoFlush = true };
            var invocation = new InvocationConfiguration
            {
                Output = output,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null, // Interruption sees to signals
            };
            int done = await parsed.InvokeAsync(invocation, interruption.Token).ConfigureAwait(false);
            notes.Tell();
            return done;
        }
        catch (Exception exception) when (CommandFailure.From(exception) is { } failure)
        {
            int code = failure.Kind == InterruptedKind ? interruption.ExitCode : failure.ExitCode;
            return Report(failure, code, common.IsJson(parsed), notes, streams);
        }
    }

    private static RootCommand Root(
        CommonOptions common, CommandStreams streams, CancellationToken interrupted)
    {
        var root = new RootCommand(
            "A distributed hash table: records that live on several nodes and outlive them.");
        common.AddTo(root);
        var store = new Command("store", "Works on a data folder that no node uses.");
        var registers = new Command("registers", "Looks after registers that have more than one history.");
        foreach ((Command parent, CliCommand command) in ((Command, CliCommand)[])
        [
            (root, new PutCommand(common)),
            (root, new GetCommand(common)),
            (root, new DeleteCommand(common)),
            (root, new ServeCommand(common)),
            (root, new StatusCommand(common)),
            (root, new DrainCommand(common)),
            (root, new ForgetCommand(common)),
            (root, new DemoCommand(common)),
            (store, new AdoptCommand(common)),
            (registers, new ListLineagesCommand(common)),
            (registers, new ResolveCommand(common)),
        ])
        {
            command.SetAction((parsed, _) => command.RunAsync(parsed, streams, interrupted));
            parent.Add(command);
        }

        root.Add(store);
        root.Add(registers);
        ExamplesHelp.AddTo(root);
        return root;
    }

    private static CommandFailure? WrongUsage(ParseResult parsed)
    {
        string? error = parsed.Action switch
        {
            ParseErrorAction =>
                UnknownOption(parsed) ?? UnmatchedToken(parsed) ?? parsed.Errors[0].Message.TrimEnd('.'),
            AsynchronousCommandLineAction => UnknownOption(parsed),
            _ => null,
        };
        string path = Path(parsed.CommandResult);
        return error is null ? null : CommandFailure.Usage($"{error}; see {path} --help");
    }

    private static string Path(CommandResult result) => result.Parent is CommandResult parent
        ? $"{Path(parent)} {result.Command.Name}"
        : Name;

    // The parser takes an option that it does not know for an argument where one is missing.
    private static string? UnknownOption(ParseResult parsed)
    {
        IEnumerable<Token> plain = parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash);
        Token? unknown = parsed.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens)
            .FirstOrDefault(token => IsLikeAnOption(token.Value) && plain.Contains(token));
        return unknown is null
            ? null
            : $"unknown option {unknown.Value} (a value that starts with a hyphen goes after --)";
    }

    private static string? UnmatchedToken(ParseResult parsed) => parsed.UnmatchedTokens is [var unknown, ..]
        ? $"unknown command, option or argument '{unknown}'"
        : null;

    private static bool IsLikeAnOption(string text) =>
        text.Length > 1 && text[0] == '-' && (text[1] == '-' || char.IsAsciiLetter(text[1]));

    // A name or value may be any bytes; whatever else the command line holds is text.
    private static CommandFailure? NotText(ParseResult parsed)
    {
        Token[] values = [.. parsed.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens).Where(token => !ArgumentBytes.IsText(token.Value))];
        Token[] all = [.. parsed.Tokens.Where(token => !ArgumentBytes.IsText(token.Value))];
        Token? wrong = all.Length == values.Length
            ? Array.Find(values, value => ArgumentBytes.ToBytes(value.Value) is null)
            : Array.Find(all, token => !values.Contains(token)) ?? all[^1];
        return wrong is null
            ? null
            : CommandFailure.Usage($"the argument '{PrintableText.Of(wrong.Value)}' is not valid UTF-8");
    }

    private static int Report(
        CommandFailure failure, int code, bool json, Notes notes, CommandStreams streams)
    {
        string line = failure.Message.ReplaceLineEndings(" ");
        streams.WriteErrorLine(
            json ? FailureText.Json(failure, code, line, notes.Take()) : $"{Name}: {line}");
        return code;
    }
}
