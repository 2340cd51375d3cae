using System.CommandLine;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Output;
using Igor.Dht.Cli.Values;
using Igor.Dht.Protocol;

namespace Igor.Dht.Cli.Commands;

/// <summary>igor-dht put: stores a value and prints the receipt.</summary>
internal sealed class PutCommand : CliCommand
{
    private readonly Argument<string?> _key = new("KEY")
    {
        Description = "The record's name (left out with --immutable)",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Argument<string?> _value = new("VALUE")
    {
        Description = "The value; without it and without --file, standard input",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _file = new("--file")
    {
        HelpName = "PATH",
        Description = "Take the value from a file; - for standard input",
    };

    private readonly Option<bool> _immutable = new("--immutable")
    {
        Description = "Store it under the hash of its content; the receipt tells the key",
    };

    private readonly Option<TimeSpan?> _timeToLive = new("--ttl")
    {
        HelpName = "DURATION",
        Description = $"How long the record lives: {Duration.Form} [default: for ever]",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (!Duration.TryParse(text, out TimeSpan duration))
            {
                result.AddError($"--ttl is {Duration.Form}, not '{text}'");
                return null;
            }

            return duration;
        },
    };

    private readonly WriteOptions _write = new();
    private readonly RegisterCommandOptions _register = new();

    public PutCommand(CommonOptions common)
        : base(
            "put",
            "Stores a value on several nodes and prints the receipt.",
            common,
            "igor-dht put greeting \"hello\"",
            "igor-dht put report --file report.pdf --ttl 7d",
            "date | igor-dht put now --replicas 3 --acks all",
            "igor-dht put --immutable --file photo.jpg",
            "igor-dht put --type register counter 1 --if-absent",
            "igor-dht put --type register counter 2 --if-version 3-17-9f2c41d08e7a5b66")
    {
        Add(_key);
        Add(_value);
        Add(_file);
        Add(_immutable);
        Add(_timeToLive);
        _write.AddTo(this);
        _register.AddTo(this);
    }

    /// <inheritdoc/>
    public override async Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
    {
        (RecordName? name, string? text) = NameAndText(arguments);
        RegisterOptions register = _register.Read(arguments, [_immutable, _timeToLive, .. _write.All]);
        PutOptions put = _write.Read(arguments) with { TimeToLive = arguments.GetValue(_timeToLive) };
        using Deadline deadline = DeadlineOf(arguments, cancellation);
        ReadOnlyMemory<byte> value = await deadline.BoundAsync(
            ValueSource.ReadAsync(
                text,
                arguments.GetValue(_file),
                streams,
                Common.DhtOptions(arguments).ValueBytesMax,
                deadline.Token),
            () => CommandFailure.Local($"the value has not ended within {deadline.Text}; nothing was stored"))
            .ConfigureAwait(false);

        if (_register.IsRegister(arguments))
        {
            return await PutRegisterAsync(name!, value, register, arguments, streams, deadline)
                .ConfigureAwait(false);
        }

        PutReceipt receipt = await WithDhtAsync(
            arguments,
            deadline,
            dht => name is null
                ? dht.PutImmutableAsync(value, put with { Timeout = deadline.Left }, deadline.Token)
                : dht.PutAsync(name.Bytes, value, put with { Timeout = deadline.Left }, deadline.Token),
            unknown: WriteUnderWay)
            .ConfigureAwait(false);

        string what = $"stored {name?.ToString() ?? "an immutable record"} ({Quantity.Bytes(value.Length)})";
        return await ShowAsync(
            Common.IsJson(arguments)
                ? ReceiptText.Json(name, value.Length, receipt)
                : ReceiptText.Human(what, receipt),
            streams,
            deadline,
            "the value is stored").ConfigureAwait(false);
    }

    private async Task<int> PutRegisterAsync(
        RecordName name,
        ReadOnlyMemory<byte> value,
        RegisterOptions options,
        ParseResult arguments,
        CommandStreams streams,
        Deadline deadline)
    {
        RegisterResult result = await WithDhtAsync(
            arguments,
            deadline,
            dht => dht.PutRegisterAsync(
                name.Bytes, value, options with { Timeout = deadline.Left }, deadline.Token),
            unknown: WriteUnderWay)
            .ConfigureAwait(false);
        if (RegisterText.Failure(name, result) is { } failure)
        {
            throw failure;
        }

        string what = $"stored the register {name} ({Quantity.Bytes(value.Length)})";
        return await ShowAsync(
            Common.IsJson(arguments)
                ? RegisterText.Json(name, result, includesValue: false)
                : RegisterText.Human(what, result),
            streams,
            deadline,
            "the value is stored").ConfigureAwait(false);
    }

    // An immutable record has no name: what stands in the place of the key is the value.
    private (RecordName? Name, string? Text) NameAndText(ParseResult arguments)
    {
        string? first = arguments.GetValue(_key);
        string? second = arguments.GetValue(_value);
        if (arguments.GetValue(_immutable))
        {
            return second is null
                ? (null, first)
                : throw CommandFailure.Usage("an immutable record has no key: give the value alone");
        }

        return string.IsNullOrEmpty(first)
            ? throw CommandFailure.Usage("the KEY is missing; see igor-dht put --help")
            : (new RecordName(first), second);
    }
}
