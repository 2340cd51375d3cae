using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Igor.Daemon;

/// <summary>
/// Reads a configuration file token by token, because whoever got something wrong wants to know which
/// setting, in which line, and what belongs there.
/// </summary>
internal ref struct SettingsFile
{
    private const int BytesMax = 1024 * 1024; // far more than all settings take

    private readonly string _path;
    private readonly byte[] _text;
    private Utf8JsonReader _reader;

    private SettingsFile(string path, byte[] text)
    {
        _path = path;
        _text = text;
        _reader = new Utf8JsonReader(
            text,
            new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
    }

    /// <summary>What a configuration file says.</summary>
    /// <exception cref="DaemonFailure">It cannot be read, or says something that is not known.</exception>
    public static DaemonSettings Read(string path)
    {
        byte[] text;
        try
        {
            if (new FileInfo(path).Length > BytesMax)
            {
                throw DaemonFailure.Usage(
                    $"the configuration file {path} is larger than {BytesMax >> 20} MiB");
            }

            text = File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DaemonFailure.Usage(
                $"the configuration file {path} cannot be read: {exception.Message.TrimEnd('.')}", exception);
        }

        ReadOnlySpan<byte> mark = Encoding.UTF8.Preamble;
        var file = new SettingsFile(path, text.AsSpan().StartsWith(mark) ? text[mark.Length..] : text);
        try
        {
            return file.ReadSettings();
        }
        catch (InvalidOperationException exception)
        {
            // What the reader throws at bytes, and at halves of surrogate pairs, that are no text.
            throw DaemonFailure.Usage(
                $"the configuration file {path}, line {file.Line()} is wrong: something is not valid UTF-8",
                exception);
        }
        catch (JsonException exception)
        {
            throw DaemonFailure.Usage(
                $"the configuration file {path}, line {exception.LineNumber + 1} is wrong: "
                + exception.Message.Split(" LineNumber: ", 2)[0].TrimEnd('.'),
                exception);
        }
    }

    private DaemonSettings ReadSettings()
    {
        if (!_reader.Read() || _reader.TokenType != JsonTokenType.StartObject)
        {
            throw Wrong($"the file holds {Present()}, not an object with settings");
        }

        var settings = new DaemonSettings();
        ImmutableDictionary<string, string> origins = settings.Origins;
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = _reader.GetString()!;
            string origin = $"\"{name}\" in {_path}, line {Line()},";
            if (origins.ContainsKey(DaemonSettings.PropertyOf(name)))
            {
                throw Wrong($"\"{name}\" stands there twice");
            }

            origins = origins.Add(DaemonSettings.PropertyOf(name), origin);
            _reader.Read();
            settings = Set(settings, name);
        }

        while (_reader.Read()) // what follows the object is found to be wrong
        {
        }

        return settings with { Origins = origins };
    }

    private DaemonSettings Set(DaemonSettings settings, string name) => name switch
    {
        "data" => settings with { Data = Text(name, "the path of a folder") },
        "socket" => settings with { Socket = Text(name, "a path") },
        "listen" => settings with { Listen = Text(name, "an address, such as \"0.0.0.0:4646\"") },
        "advertise" => settings with { Advertise = List(name) },
        "bootstrap" => settings with { Bootstrap = List(name) },
        "found" => settings with { Found = Flag(name) },
        "network" => settings with { Network = Text(name, "a name") },
        "upkeep" => settings with { Upkeep = Whole(name) },
        "json" => settings with { Json = Flag(name) },
        "logLevel" => settings with { LogLevel = Level(name) },
        _ => throw Wrong($"unknown setting '{name}'; there are {string.Join(", ", DaemonSettings.Names)}"),
    };

    private string? Text(string name, string expected) => _reader.TokenType switch
    {
        JsonTokenType.Null => null,
        JsonTokenType.String when _reader.GetString() is { } text && !string.IsNullOrWhiteSpace(text) => text,
        _ => throw Mistaken(name, $"{expected}, in quotes"),
    };

    private List<string>? List(string name)
    {
        const string Expected = "a list of addresses, such as [\"192.0.2.1:4646\"]";
        if (_reader.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        if (_reader.TokenType != JsonTokenType.StartArray)
        {
            throw Mistaken(name, Expected);
        }

        var items = new List<string>();
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            items.Add(_reader.TokenType == JsonTokenType.String
                ? _reader.GetString()!
                : throw Mistaken(name, Expected));
        }

        return items;
    }

    private bool? Flag(string name) => _reader.TokenType switch
    {
        JsonTokenType.Null => null,
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw Mistaken(name, "true or false"),
    };

    private readonly int? Whole(string name) => _reader.TokenType switch
    {
        JsonTokenType.Null => null,
        JsonTokenType.Number when _reader.TryGetInt32(out int number) => number,
        _ => throw Mistaken(name, "a whole number, 200 to 1000000 bytes a second"),
    };

    private LogLevel? Level(string name)
    {
        if (_reader.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        return _reader.TokenType == JsonTokenType.String
            && DaemonSettings.TryParseLevel(_reader.GetString()!, out LogLevel level)
                ? level
                : throw Mistaken(name, DaemonSettings.LevelWords);
    }

    private readonly DaemonFailure Mistaken(string name, string expected) =>
        Wrong($"\"{name}\" is {Present()}; it must be {expected}");

    private readonly DaemonFailure Wrong(string what) =>
        DaemonFailure.Usage($"the configuration file {_path}, line {Line()} is wrong: {what}");

    private readonly string Present() => _reader.TokenType switch
    {
        JsonTokenType.None => "nothing",
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "a list",
        JsonTokenType.String => $"\"{_reader.GetString()}\"",
        _ => Encoding.UTF8.GetString(_reader.ValueSpan),
    };

    private readonly int Line() => 1 + _text.AsSpan(0, (int)_reader.TokenStartIndex).Count((byte)'\n');
}
