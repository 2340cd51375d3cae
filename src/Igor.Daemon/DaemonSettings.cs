using System.Text.Json;
using System.Text.Json.Serialization;
using Igor.Node;
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

    /// <summary>What is logged on standard error.</summary>
    public LogLevel? LogLevel { get; init; }

    /// <summary>The data folder, with its default.</summary>
    [JsonIgnore]
    public string DataFolderPath => Path.GetFullPath(Data ?? DataFolder.DefaultPath);

    /// <summary>The local socket, with its default.</summary>
    [JsonIgnore]
    public string SocketPath => Path.GetFullPath(Socket ?? LocalSocketServerOptions.DefaultPath(Data));

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
        Json = Json ?? lower.Json,
        LogLevel = LogLevel ?? lower.LogLevel,
    };

    /// <summary>What the environment says.</summary>
    /// <param name="variable">Reads a variable; null when it is not set.</param>
    public static DaemonSettings FromEnvironment(Func<string, string?> variable)
    {
        string? Read(string name) => variable(name) switch
        {
            null or "" => null,
            { } value when ArgumentBytes.IsIntact(value) => value,
            _ => throw DaemonFailure.Usage($"the value of {name} is not valid UTF-8"),
        };
        string[]? ReadList(string name) => Read(name)?.Split(
            ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return new DaemonSettings
        {
            Data = Read("IGOR_DATA"),
            Socket = Read("IGOR_SOCKET"),
            Listen = Read("IGOR_LISTEN"),
            Advertise = ReadList("IGOR_ADVERTISE"),
            Bootstrap = ReadList("IGOR_BOOTSTRAP"),
            Found = Read("IGOR_FOUND") switch
            {
                null => null,
                "1" or "true" => true,
                "0" or "false" => false,
                { } other => throw DaemonFailure.Usage($"IGOR_FOUND is 1 or 0, not '{other}'"),
            },
            Network = Read("IGOR_NETWORK"),
        };
    }

    /// <summary>What a configuration file says.</summary>
    /// <exception cref="DaemonFailure">It cannot be read, or says something that is not known.</exception>
    public static DaemonSettings FromFile(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            return JsonSerializer.Deserialize(file, DaemonSettingsJson.Default.DaemonSettings)
                ?? throw DaemonFailure.Usage($"the configuration file {path} holds null, not an object");
        }
        catch (JsonException exception)
        {
            string where = exception.LineNumber is { } line ? $", line {line + 1}" : "";
            throw DaemonFailure.Usage(
                $"the configuration file {path}{where} is wrong: {Cause(exception)}", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DaemonFailure.Usage(
                $"the configuration file {path} cannot be read: {exception.Message.TrimEnd('.')}", exception);
        }
    }

    private static string Cause(JsonException exception)
    {
        string text = exception.Message.Split(" Path: ", 2)[0].TrimEnd('.');
        return text.StartsWith("The JSON property ", StringComparison.Ordinal)
            ? $"unknown setting {text.Split('\'', 3) switch { [_, var name, _] => $"'{name}'", _ => "" }}"
            : text;
    }

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
        };
        IReadOnlyList<string> faults = IgorNodeOptionsValidator.Validate(options);
        return faults.Count == 0 ? options : throw DaemonFailure.Usage(string.Join(' ', faults).TrimEnd('.'));
    }

    /// <summary>The local socket that these settings ask for.</summary>
    public LocalSocketServerOptions ToSocketOptions(IgorNodeOptions node, ILogger logger) => new()
    {
        Path = SocketPath,
        Network = node.Network,
        PayloadBytesMax = node.Overlay.PayloadBytesMax,
        Logger = logger,
    };
}

/// <summary>How settings stand in a file.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(DaemonSettings))]
internal sealed partial class DaemonSettingsJson : JsonSerializerContext;
