using System.CommandLine;
using System.CommandLine.Parsing;
using Igor.Dht.Cli.Failures;
using Igor.Kbr;

namespace Igor.Dht.Cli.CommandLine;

/// <summary>
/// The options that all commands share. What the command line leaves open is taken from the environment, and
/// what that leaves open from <see cref="IgorDhtOptions"/>.
/// </summary>
internal sealed class CommonOptions
{
    private readonly Option<string?> _data = Text(
        "--data",
        "DIR",
        "Folder that keeps everything of a node (IGOR_DATA); its node is used while it runs");
    private readonly Option<string?> _socket = Text(
        "--socket", "PATH", "Local socket of the node to use, which must run; serve opens it (IGOR_SOCKET)");
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

    private readonly Func<string, string?> _environment;
    private readonly Action<string>? _noted;

    /// <summary>
    /// Makes the options; how the environment is read is a parameter because tests bring their own.
    /// </summary>
    /// <param name="environment">Reads a variable.</param>
    /// <param name="noted">Told what the user should know and no error says.</param>
    public CommonOptions(Func<string, string?> environment, Action<string>? noted = null)
    {
        _environment = environment;
        _noted = noted;
    }

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

    /// <summary>
    /// How to open the DHT. What a client's command line says of the node that is meant, the environment does
    /// not override: neither IGOR_SOCKET a folder or address, nor IGOR_DATA an address.
    /// </summary>
    /// <exception cref="CommandFailure">A value is wrong; the message names the option or
    /// variable.</exception>
    public IgorDhtOptions DhtOptions(ParseResult arguments, ServiceRole role = ServiceRole.Client)
    {
        var defaults = new IgorDhtOptions();
        (string? data, string? dataName) = Value(arguments, _data, "IGOR_DATA");
        (string? socket, string? socketName) = Value(arguments, _socket, "IGOR_SOCKET");
        if (role == ServiceRole.Client)
        {
            bool namesFolder = dataName == _data.Name;
            bool namesBootstrap = arguments.GetResult(_bootstrap) is not null;
            data = namesBootstrap && !namesFolder ? null : data;
            if ((namesFolder || namesBootstrap) && socketName != _socket.Name)
            {
                (socket, socketName) = (null, null); // opening notes that a variable is passed over
            }
        }

        return defaults with
        {
            Data = data,
            Socket = socket,
            SocketNamedBy = socketName ?? defaults.SocketNamedBy,
            Listen = Listen(arguments),
            Bootstrap = Bootstrap(arguments),
            Network = Network(arguments),
            Role = role,
            Timeout = Timeout(arguments) ?? defaults.Timeout,
            Noted = _noted,
        };
    }

    /// <summary>The data folder that was named; null for the default one.</summary>
    public string? Data(ParseResult arguments) => Value(arguments, _data, "IGOR_DATA").Text;

    /// <summary>The network that was named; null when none was.</summary>
    public string? Network(ParseResult arguments)
    {
        (string? text, string? name) = Value(arguments, _network, "IGOR_NETWORK");
        return text is null || ServiceId.IsValidName(text)
            ? text
            : throw CommandFailure.Usage(
                $"{name} is '{PrintableText.Of(text)}': the name of a network has {ServiceId.NameRule}");
    }

    private static Option<string?> Text(string name, string helpName, string description)
    {
        var option = new Option<string?>(name)
        {
            HelpName = helpName,
            Description = description,
            Recursive = true,
        };
        option.Validators.Add((OptionResult result) =>
        {
            if (result.Tokens is [{ Value: var text }] && string.IsNullOrWhiteSpace(text))
            {
                result.AddError($"{name} needs a value ({helpName}), not '{text}'");
            }
        });
        return option;
    }

    private string? Listen(ParseResult arguments)
    {
        (string? text, string? name) = Value(arguments, _listen, "IGOR_LISTEN");
        return text is not null && IgorDhtOptions.AddressFault(text, isToListen: true) is { } fault
            ? throw CommandFailure.Usage($"{name} is '{text}': {fault}")
            : text;
    }

    private string[] Bootstrap(ParseResult arguments)
    {
        bool isGiven = arguments.GetResult(_bootstrap) is not null;
        string[] addresses = isGiven
            ? arguments.GetValue(_bootstrap) ?? []
            : Variable("IGOR_BOOTSTRAP")?.Split(
                ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        string name = isGiven ? "--bootstrap" : "IGOR_BOOTSTRAP";
        foreach (string address in addresses)
        {
            if (IgorDhtOptions.AddressFault(address, isToListen: false) is { } fault)
            {
                throw CommandFailure.Usage($"{name} is '{address}': {fault}");
            }
        }

        return addresses;
    }

    /// <summary>What the command line says, else the environment, and which of the two it was.</summary>
    private (string? Text, string? Name) Value(
        ParseResult arguments, Option<string?> option, string variable) =>
        arguments.GetValue(option) is { } given
            ? (given, option.Name)
            : Variable(variable) is { } set ? (set, variable) : (null, null);

    /// <summary>Whether an option is given, or its variable says yes.</summary>
    public bool Flag(ParseResult arguments, Option<bool> option, string variable) =>
        arguments.GetValue(option)
        || (SwitchVariable.Parse(variable, Variable(variable), out string? fault) is var isOn && fault is null
            ? isOn ?? false
            : throw CommandFailure.Usage(fault!));

    private string? Variable(string name) => _environment(name) switch
    {
        null or "" => null,
        { } value when ArgumentBytes.IsIntact(value) => value,
        _ => throw CommandFailure.Usage($"the value of {name} is not valid UTF-8"),
    };
}
