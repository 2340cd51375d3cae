using System.Collections.Immutable;
using Igor.Kbr;
using Igor.Local;
using Igor.Local.Paths;
using Igor.Node;
using Igor.Node.Addresses;
using Igor.Node.Disk;
using Igor.Node.Reporting;
using Microsoft.Extensions.Logging;

namespace Igor.Daemon;

/// <summary>
/// What one source says of the daemon's settings; null where it says nothing. Sources in rising precedence:
/// the configuration file, the environment, the command line.
/// </summary>
internal sealed record DaemonSettings
{
    /// <summary>Name of the configuration file that is read when it is in the data folder.</summary>
    public const string FileName = "igord.json";

    /// <summary>What the levels of the log are called.</summary>
    public const string LevelWords = "trace, debug, information, warning, error, critical or none";

    private const int UpkeepLeast = 200;
    private const int UpkeepMost = 1_000_000;
    private const string DefaultListen = "0.0.0.0:4646";

    /// <summary>The folder that keeps everything of the node.</summary>
    public string? Data { get; init; }

    /// <summary>The local socket.</summary>
    public string? Socket { get; init; }

    /// <summary>Where to accept other nodes, host:port.</summary>
    public string? Listen { get; init; }

    /// <summary>Addresses that other nodes are told.</summary>
    public IReadOnlyList<string>? Advertise { get; init; }

    /// <summary>Addresses to join through.</summary>
    public IReadOnlyList<string>? Bootstrap { get; init; }

    /// <summary>Whether to found a network if none of those to join answers.</summary>
    public bool? Found { get; init; }

    /// <summary>The network's name.</summary>
    public string? Network { get; init; }

    /// <summary>Whether standard output and errors are for programs.</summary>
    public bool? Json { get; init; }

    /// <summary>What the node may spend to keep its rings up, in bytes a second.</summary>
    public int? Upkeep { get; init; }

    /// <summary>What is logged on standard error.</summary>
    public LogLevel? LogLevel { get; init; }

    /// <summary>Where each setting comes from, for messages, by the name of its property.</summary>
    public ImmutableDictionary<string, string> Origins { get; init; } =
        ImmutableDictionary<string, string>.Empty;

    /// <summary>The settings as a file names them.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "data", "socket", "listen", "advertise", "bootstrap", "found", "network", "upkeep", "json",
        "logLevel",
    ];

    /// <summary>The data folder, with its default.</summary>
    /// <exception cref="NodeStartException">There is no home for it.</exception>
    public string DataFolderPath => Path.GetFullPath(Data ?? DataFolder.DefaultPath);

    /// <summary>The local socket, with its default.</summary>
    /// <exception cref="KbrException">There is no home for it.</exception>
    public string SocketPath => FindSocket().Path;

    /// <summary>These settings where they say something, else the lower ones.</summary>
    public DaemonSettings Over(DaemonSettings lower) => new()
    {
        Data = Data ?? lower.Data,
        Socket = Socket ?? lower.Socket,
        Listen = Listen ?? lower.Listen,
        Advertise = Advertise ?? lower.Advertise,
        Bootstrap = Bootstrap ?? lower.Bootstrap,
        Found = Found ?? lower.Found,
        Network = Network ?? lower.Network,
        Upkeep = Upkeep ?? lower.Upkeep,
        Json = Json ?? lower.Json,
        LogLevel = LogLevel ?? lower.LogLevel,
        Origins = lower.Origins.SetItems(Origins),
    };

    /// <summary>The local socket, and how its path came about.</summary>
    /// <exception cref="KbrException">There is no home for it.</exception>
    public LocalSocketPlace FindSocket() =>
        LocalSocketPath.Find(Socket, Origins.GetValueOrDefault(nameof(Socket)), Data);

    /// <summary>What the environment says.</summary>
    /// <param name="variable">Reads a variable; null when it is not set.</param>
    public static DaemonSettings FromEnvironment(Func<string, string?> variable)
    {
        var origins = ImmutableDictionary.CreateBuilder<string, string>();
        string? Read(string name)
        {
            string? value = variable(name) switch
            {
                null or "" => null,
                { } set when ArgumentBytes.IsIntact(set) => set,
                _ => throw DaemonFailure.Usage($"the value of {name} is not valid UTF-8"),
            };
            if (value is not null)
            {
                origins[PropertyOf(name["IGOR_".Length..].ToLowerInvariant())] = name;
            }

            return value;
        }

        string[]? ReadList(string name) => Read(name)?.Split(
            ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var settings = new DaemonSettings
        {
            Data = Read("IGOR_DATA"),
            Socket = Read("IGOR_SOCKET"),
            Listen = Read("IGOR_LISTEN"),
            Advertise = ReadList("IGOR_ADVERTISE"),
            Bootstrap = ReadList("IGOR_BOOTSTRAP"),
            Found = SwitchVariable.Parse("IGOR_FOUND", Read("IGOR_FOUND"), out string? fault),
            Network = Read("IGOR_NETWORK"),
        };
        return fault is null
            ? settings with { Origins = origins.ToImmutable() }
            : throw DaemonFailure.Usage(fault);
    }

    /// <summary>The property that holds a setting: its name with a capital letter.</summary>
    public static string PropertyOf(string setting) =>
        setting.Length == 0 ? setting : char.ToUpperInvariant(setting[0]) + setting[1..];

    /// <summary>Reads the name of a level; a number is none.</summary>
    public static bool TryParseLevel(string text, out LogLevel level) =>
        Enum.TryParse(text, ignoreCase: true, out level) && text.All(char.IsAsciiLetter);

    /// <summary>The node that these settings ask for.</summary>
    /// <exception cref="DaemonFailure">Some value is wrong; the message names it.</exception>
    public IgorNodeOptions ToNodeOptions()
    {
        var defaults = new IgorNodeOptions();
        IgorNodeOptions options = defaults with
        {
            DataFolder = DataFolderPath,
            Listen = Listen ?? DefaultListen,
            Advertise = Advertise ?? [],
            Bootstrap = Bootstrap ?? [],
            Found = Found ?? false,
            Network = Network ?? defaults.Network,
            Overlay = defaults.Overlay with
            {
                UpkeepBytesPerSecond = Upkeep ?? defaults.Overlay.UpkeepBytesPerSecond,
            },
        };
        IReadOnlyList<string> faults = [.. OwnFaults()];
        if (faults.Count == 0)
        {
            faults = IgorNodeOptionsValidator.Validate(options);
        }

        return faults.Count == 0
            ? options
            : throw DaemonFailure.Usage(string.Join("; ", faults).TrimEnd('.'));
    }

    // What a person wrote is blamed on where it was written.
    private IEnumerable<string> OwnFaults()
    {
        if (Listen is not null && HostPort.Fault(Listen, isToListen: true) is { } listen)
        {
            yield return $"{Origin(nameof(Listen))} is '{Listen}': {listen}";
        }

        IEnumerable<(string Property, string Address)> others =
        [
            .. (Advertise ?? []).Select(address => (nameof(Advertise), address)),
            .. (Bootstrap ?? []).Select(address => (nameof(Bootstrap), address)),
        ];
        foreach ((string property, string address) in others)
        {
            if (HostPort.Fault(address, isToListen: false) is { } fault)
            {
                yield return $"{Origin(property)} is '{address}': {fault}";
            }
        }

        if (Upkeep is < UpkeepLeast or > UpkeepMost)
        {
            yield return $"{Origin(nameof(Upkeep))} is {Upkeep}: what a node may spend to keep its rings up "
                + $"is {UpkeepLeast} to {UpkeepMost} bytes a second";
        }

        if (Network is not null && !ServiceId.IsValidName(Network))
        {
            yield return $"{Origin(nameof(Network))} is '{PrintableText.Of(Network)}': the name of a network "
                + "has " + ServiceId.NameRule;
        }
    }

    private string Origin(string property) => Origins.GetValueOrDefault(property, property);

    /// <summary>The local socket that these settings ask for.</summary>
    public LocalSocketServerOptions ToSocketOptions(IgorNodeOptions node, ILogger logger) => new()
    {
        Path = SocketPath,
        Network = node.Network,
        PayloadBytesMax = node.Overlay.PayloadBytesMax,
        Logger = logger,
    };
}
