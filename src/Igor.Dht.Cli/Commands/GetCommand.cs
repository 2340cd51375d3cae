using System.CommandLine;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Output;
using Igor.Dht.Cli.Values;
using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Dht.Cli.Commands;

/// <summary>igor-dht get: writes a value byte for byte.</summary>
internal sealed class GetCommand : CliCommand
{
    private readonly Argument<string> _key = new("KEY")
    {
        Description = "The record's name; its key with --immutable",
    };

    private readonly Option<string?> _output = new("--output", "-o")
    {
        HelpName = "PATH",
        Description = "Write the value to a file, which appears whole or not at all; - for standard output",
    };

    private readonly Option<bool> _immutable = new("--immutable")
    {
        Description = "KEY is the key of an immutable record, 64 hexadecimal digits",
    };

    private readonly Option<string> _consistency = RangedOption.Word(
        "--consistency",
        "Ask the root of the key alone, or always a majority of the replicas",
        "root",
        "quorum");

    private readonly RegisterCommandOptions _register = new();

    public GetCommand(CommonOptions common)
        : base(
            "get",
            "Writes the value of a record, byte for byte, to standard output.",
            common,
            "igor-dht get greeting",
            "igor-dht get report --output report.pdf",
            "igor-dht get greeting --json",
            "igor-dht get --type register counter",
            "igor-dht get --immutable 6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090")
    {
        Add(_key);
        Add(_output);
        Add(_immutable);
        Add(_consistency);
        _register.AddTypeTo(this);
    }

    /// <inheritdoc/>
    public override async Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
    {
        var name = new RecordName(arguments.GetValue(_key)!);
        if (arguments.GetValue(_output) is { Length: 0 })
        {
            throw CommandFailure.Usage("--output needs a path");
        }

        bool isRegister = _register.IsRegister(arguments);
        if (isRegister && arguments.GetValue(_immutable))
        {
            throw CommandFailure.Usage("--immutable does not go with --type register");
        }

        using Deadline deadline = DeadlineOf(arguments, cancellation);

        // The value goes out before the connection is closed: who waits for it does not wait for that.
        return await WithRecordsAsync(
            arguments,
            deadline,
            name,
            async dht =>
            {
                if (isRegister)
                {
                    return await GetRegisterAsync(dht, name, arguments, streams, deadline)
                        .ConfigureAwait(false);
                }

                GetResult result = await ReadAsync(dht, name, arguments, deadline).ConfigureAwait(false);
                if (GetText.Failure(name, result) is { } failure)
                {
                    throw failure.Because(result.Barrier);
                }

                await WriteAsync(name, result, arguments, streams, deadline).ConfigureAwait(false);
                return ExitCode.Done;
            }).ConfigureAwait(false);
    }

    private async Task<int> GetRegisterAsync(
        IgorDht dht, RecordName name, ParseResult arguments, CommandStreams streams, Deadline deadline)
    {
        RegisterResult result = await dht.GetRegisterAsync(
            name.Bytes, RegisterOptions.Default with { Timeout = deadline.Left }, deadline.Token)
            .ConfigureAwait(false);
        if (RegisterText.Failure(name, result) is { } failure)
        {
            throw failure;
        }

        string? path = PathOf(arguments);
        if (path is not null || !Common.IsJson(arguments))
        {
            await deadline.WritingAsync(token => ValueSink.WriteAsync(path, result.Value, streams, token))
                .ConfigureAwait(false);
        }

        if (Common.IsJson(arguments))
        {
            string json = RegisterText.Json(name, result, includesValue: path is null);
            await deadline.WritingAsync(token => streams.WriteLineAsync(json, token)).ConfigureAwait(false);
        }
        else
        {
            streams.WriteErrorLine($"igor-dht: {RegisterText.Note(result)}");
        }

        return ExitCode.Done;
    }

    private string? PathOf(ParseResult arguments) =>
        arguments.GetValue(_output) is var given and not ValueSource.StandardStream ? given : null;

    private async Task WriteAsync(
        RecordName name,
        GetResult result,
        ParseResult arguments,
        CommandStreams streams,
        Deadline deadline)
    {
        string? path = PathOf(arguments);
        bool isJson = Common.IsJson(arguments);
        if (path is not null || !isJson)
        {
            await deadline.WritingAsync(token => ValueSink.WriteAsync(path, result.Value, streams, token))
                .ConfigureAwait(false);
        }

        if (isJson)
        {
            string json = GetText.Json(name, result, includesValue: path is null);
            await deadline.WritingAsync(token => streams.WriteLineAsync(json, token)).ConfigureAwait(false);
        }
        else if (result.IsDegraded)
        {
            string cause = result.Barrier
                ?? $"only {result.ReplicasAnswered} of {result.ReplicasAsked} replicas answered";
            streams.WriteErrorLine($"igor-dht: {cause}; a newer version may exist");
        }
    }

    private Task<GetResult> ReadAsync(
        IgorDht dht, RecordName name, ParseResult arguments, Deadline deadline)
    {
        var options = new GetOptions
        {
            Timeout = deadline.Left,
            Consistency = arguments.GetValue(_consistency) == "quorum"
                ? GetConsistency.Quorum
                : GetConsistency.Root,
        };
        if (!arguments.GetValue(_immutable))
        {
            return dht.GetAsync(name.Bytes, options, deadline.Token);
        }

        return Key.TryParse(name.ToString(), out Key key)
            ? dht.GetImmutableAsync(key, options, deadline.Token)
            : throw CommandFailure.Usage("the key of an immutable record has 64 hexadecimal digits");
    }
}
