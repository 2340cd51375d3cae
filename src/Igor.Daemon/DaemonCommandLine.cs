using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Igor.Daemon;

/// <summary>The options of igord.</summary>
internal sealed class DaemonCommandLine
{
    private const string Examples =
        """
        Examples:
          igord
          igord --listen 192.0.2.7:4646 --bootstrap 192.0.2.1:4646
          igord --data /tmp/a --listen 127.0.0.1:7001 --network test
          igord --config /etc/igor/igord.json

        Settings come from the configuration file (--config, IGOR_CONFIG, else igord.json in the data
        folder), then the environment, then the command line; the latter win. SIGTERM, SIGHUP and Ctrl-C
        leave the ring in order.

        """;

    private readonly Option<string?> _config = Text(
        "--config",
        "FILE",
        "Configuration file (IGOR_CONFIG) [default: igord.json in the data folder, if it is there]");

    private readonly Option<string?> _data = Text(
        "--data", "DIR", "Folder that keeps everything of the node (IGOR_DATA)");

    private readonly Option<string?> _socket = Text(
        "--socket", "PATH", "Local socket for applications (IGOR_SOCKET)");
    private readonly Option<string?> _listen = Text(
        "--listen",
        "HOST:PORT",
        "Where to accept other nodes, port 0 for a free one (IGOR_LISTEN) [default: 0.0.0.0:4646]");

    private readonly Option<string[]> _advertise = List(
        "--advertise", "An address that other nodes are told; may be repeated (IGOR_ADVERTISE, with commas)");

    private readonly Option<string[]> _bootstrap = List(
        "--bootstrap", "A node to join through; may be repeated (IGOR_BOOTSTRAP, with commas)");

    private readonly Option<bool> _found = new("--found")
    {
        Description =
            "Found a network if none of the nodes to join that are given or known answers (IGOR_FOUND=1)",
    };

    private readonly Option<string?> _network = Text(
        "--network", "NAME", "Name of the network (IGOR_NETWORK)");

    private readonly Option<int?> _upkeep = new("--upkeep")
    {
        HelpName = "N",
        Description = "What the node may spend to keep its place among the others, in bytes a second on the "
            + "whole: more fingers, and fewer hops, where nodes come and go [default: 400]",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                return number;
            }

            result.AddError($"--upkeep is a whole number, 200 to 1000000 bytes a second, not '{text}'");
            return null;
        },
    };

    private readonly Option<LogLevel?> _logLevel = new("--log-level")
    {
        HelpName = "LEVEL",
        Description = "What to log on standard error: trace to critical, or none [default: warning]",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (DaemonSettings.TryParseLevel(text, out LogLevel level))
            {
                return level;
            }

            result.AddError($"--log-level is {DaemonSettings.LevelWords}, not '{text}'");
            return null;
        },
    };

    private readonly Option<bool> _json = new("--json")
    {
        Description = "Print the ready line, and errors (on standard error), as JSON",
    };

    private readonly RootCommand _root = new(
        "The Igor daemon: one node of the overlay for all applications of a host, which attach at its "
        + "local socket.");

    public DaemonCommandLine()
    {
        foreach (Option option in (Option[])
            [
                _config, _data, _socket, _listen, _advertise, _bootstrap, _found, _network, _upkeep,
                _logLevel, _json,
            ])
        {
            _root.Add(option);
        }

        foreach (HelpOption help in _root.Options.OfType<HelpOption>())
        {
            help.Action = new ExamplesHelp((HelpAction)help.Action!);
        }
    }

    /// <summary>Runs the daemon that a command line asks for, or prints what else it asks for.</summary>
    /// <exception cref="DaemonFailure">The command line is wrong.</exception>
    public Task<int> RunAsync(
        string[] arguments, TextWriter output, Func<DaemonSettings, string?, Task<int>> run)
    {
        _root.SetAction((parsed, _) => run(Settings(parsed), parsed.GetValue(_config)));
        ParseResult parsed = _root.Parse(
            arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            string error = parsed.UnmatchedTokens is [var unknown, ..]
                ? $"unknown option or argument '{unknown}'"
                : parsed.Errors[0].Message.TrimEnd('.');
            throw DaemonFailure.Usage($"{error}; see igord --help");
        }

        // The host handles the signals.
        return parsed.InvokeAsync(new InvocationConfiguration
        {
            Output = output,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });
    }

    private DaemonSettings Settings(ParseResult parsed)
    {
        var settings = new DaemonSettings
        {
            Data = parsed.GetValue(_data),
            Socket = parsed.GetValue(_socket),
            Listen = parsed.GetValue(_listen),
            Advertise = parsed.GetValue(_advertise) is { Length: > 0 } advertise ? advertise : null,
            Bootstrap = parsed.GetValue(_bootstrap) is { Length: > 0 } bootstrap ? bootstrap : null,
            Found = parsed.GetValue(_found) ? true : null,
            Network = parsed.GetValue(_network),
            Upkeep = parsed.GetValue(_upkeep),
            Json = parsed.GetValue(_json) ? true : null,
            LogLevel = parsed.GetValue(_logLevel),
        };
        IEnumerable<string> given = _root.Options
            .Where(option => parsed.GetResult(option) is { Implicit: false })
            .Select(option => option.Name);
        return settings with
        {
            Origins = given.ToImmutableDictionary(name => DaemonSettings.PropertyOf(name.TrimStart('-'))),
        };
    }

    private static Option<string?> Text(string name, string helpName, string description)
    {
        var option = new Option<string?>(name) { HelpName = helpName, Description = description };
        option.Validators.Add((OptionResult result) =>
        {
            if (result.Tokens is [{ Value: var text }] && string.IsNullOrWhiteSpace(text))
            {
                result.AddError($"{name} needs a value ({helpName}), not '{text}'");
            }
        });
        return option;
    }

    private static Option<string[]> List(string name, string description) => new(name)
    {
        HelpName = "HOST:PORT",
        Description = description,
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>The usual help, followed by examples.</summary>
    private sealed class ExamplesHelp(HelpAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int code = help.Invoke(parseResult);
            parseResult.InvocationConfiguration.Output.Write(Examples);
            return code;
        }
    }
}
