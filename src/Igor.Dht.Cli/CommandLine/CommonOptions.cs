using System.CommandLine;
using Igor.Kbr;

namespace Igor.Dht.Cli;

/// <summary>
/// The options that all commands share. What the command line leaves open is taken from the environment, and
/// what that leaves open from <see cref="IgorDhtOptions"/>.
/// </summary>
internal sealed class CommonOptions
{
    private readonly Option<string?> _data =
        Text("--data", "DIR", "Folder that keeps everything of a node (IGOR_DATA)");
    private readonly Option<string?> _socket =
        Text("--socket", "PATH", "The node's local socket (IGOR_SOCKET)");
    private readonly Option<string?> _listen =
        Text("--listen", "HOST:PORT", "Where to accept other nodes, port 0 for a free one (IGOR_LISTEN)");

    private readonly Option<string[]> _bootstrap = new("--bootstrap")
    {
        HelpName = "HOST:PORT",
        Description = "A node to join through; may be repeated (IGOR_BOOTSTRAP, with commas)",
        Recursive = true,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _network =
        Text("--network", "NAME", "Name of the network (IGOR_NETWORK)");
    private readonly Option<bool> _json = new("--json")
    {
        Description = "Print JSON, also for errors (on standard error)",
        Recursive = true,
    };

    private readonly Option<TimeSpan?> _timeout = RangedOption.Seconds(
        "--timeout",
        0.1,
        600,
        "Give up after this time, 0.1 to 600, whatever is waited for [default: 10, for other nodes only]");

    /// <summary>
    /// Makes the options; how the environment is read is a parameter because tests bring their own.
    /// </summary>
    public CommonOptions(Func<string, string?> environment) => Environment = environment;

    private Func<string, string?> Environment { get; }

    /// <summary>Adds the options to the root command, from which all commands inherit them.</summary>
    public void AddTo(Command root)
    {
        foreach (Option option in (Option[])[_data, _socket, _listen, _bootstrap, _network, _json, _timeout])
        {
            root.Add(option);
        }
    }

    /// <summary>Whether output is for programs.</summary>
    public bool IsJson(ParseResult arguments) => arguments.GetValue(_json);

    /// <summary>The timeout that was asked for; null for the default.</summary>
    public TimeSpan? Timeout(ParseResult arguments) => arguments.GetValue(_timeout);

    /// <summary>How to open the DHT, as a client.</summary>
    public IgorDhtOptions DhtOptions(ParseResult arguments)
    {
        var defaults = new IgorDhtOptions();
        return defaults with
        {
            Data = arguments.GetValue(_data) ?? Variable("IGOR_DATA"),
            Socket = arguments.GetValue(_socket) ?? Variable("IGOR_SOCKET"),
            Listen = arguments.GetValue(_listen) ?? Variable("IGOR_LISTEN"),
            Bootstrap = Bootstrap(arguments),
            Network = arguments.GetValue(_network) ?? Variable("IGOR_NETWORK") ?? defaults.Network,
            Role = ServiceRole.Client,
            Timeout = Timeout(arguments) ?? defaults.Timeout,
        };
    }

    private static Option<string?> Text(string name, string helpName, string description) =>
        new(name) { HelpName = helpName, Description = description, Recursive = true };

    private string[] Bootstrap(ParseResult arguments)
    {
        string[] addresses = arguments.GetValue(_bootstrap) is { Length: > 0 } given
            ? given
            : Variable("IGOR_BOOTSTRAP")?.Split(
                ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        return Array.Find(addresses, address => !IsAddress(address)) is { } wrong
            ? throw CommandFailure.Usage($"--bootstrap is HOST:PORT with a port of 1 to 65535, not '{wrong}'")
            : addresses;
    }

    private static bool IsAddress(string text)
    {
        int colon = text.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), out ushort port) && port > 0;
    }

    /// <summary>Whether an option is given, or its variable says yes.</summary>
    public bool Flag(ParseResult arguments, Option<bool> option, string variable) =>
        arguments.GetValue(option) || Variable(variable) switch
        {
            null or "0" or "false" => false,
            "1" or "true" => true,
            { } other => throw CommandFailure.Usage($"{variable} is 1 or 0, not '{other}'"),
        };

    private string? Variable(string name) => Environment(name) switch
    {
        null or "" => null,
        { } value when ArgumentBytes.IsIntact(value) => value,
        _ => throw CommandFailure.Usage($"the value of {name} is not valid UTF-8"),
    };
}
