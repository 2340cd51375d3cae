using System.CommandLine;

namespace Igor.Dht.Cli;

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
        Description = "Take the value from a file",
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

    public PutCommand(CommonOptions common)
        : base(
            "put",
            "Stores a value on several nodes and prints the receipt.",
            common,
            "igor-dht put greeting \"hello\"",
            "igor-dht put report --file report.pdf --ttl 7d",
            "date | igor-dht put now --acks all",
            "igor-dht put --immutable --file photo.jpg")
    {
        Add(_key);
        Add(_value);
        Add(_file);
        Add(_immutable);
        Add(_timeToLive);
        _write.AddTo(this);
    }

    /// <inheritdoc/>
    public override async Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
    {
        (string? name, string? text) = NameAndText(arguments);
        IgorDhtOptions options = Common.DhtOptions(arguments);
        PutOptions put = _write.Read(arguments) with { TimeToLive = arguments.GetValue(_timeToLive) };
        string? file = arguments.GetValue(_file);
        ReadOnlyMemory<byte> value = await ValueSource.ReadAsync(
            text, file, streams, options.ValueBytesMax, cancellation).ConfigureAwait(false);

        PutReceipt receipt = await WithDhtAsync(
            options,
            dht => name is null
                ? dht.PutImmutableAsync(value, put, cancellation)
                : dht.PutAsync(name, value, put, cancellation),
            cancellation).ConfigureAwait(false);

        string what = $"stored {name ?? "an immutable record"} ({Quantity.Bytes(value.Length)})";
        streams.WriteLine(Common.IsJson(arguments)
            ? ReceiptText.Json(name, value.Length, receipt)
            : ReceiptText.Human(what, receipt));
        return ExitCode.Done;
    }

    // An immutable record has no name: what stands in the place of the key is the value.
    private (string? Name, string? Text) NameAndText(ParseResult arguments)
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
            : (first, second);
    }
}
