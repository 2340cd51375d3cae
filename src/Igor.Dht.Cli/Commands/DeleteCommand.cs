using System.CommandLine;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Output;
using Igor.Dht.Cli.Values;
using Igor.Dht.Protocol;

namespace Igor.Dht.Cli.Commands;

/// <summary>igor-dht delete: deletes a record and prints the receipt.</summary>
internal sealed class DeleteCommand : CliCommand
{
    private readonly Argument<string> _key = new("KEY") { Description = "The record's name" };
    private readonly WriteOptions _write = new();
    private readonly RegisterCommandOptions _register = new();

    public DeleteCommand(CommonOptions common)
        : base(
            "delete",
            "Deletes a record, whether or not its nodes have one, and prints the receipt.",
            common,
            "igor-dht delete greeting",
            "igor-dht delete greeting --acks all --json",
            "igor-dht delete --type register counter --if-version 3-17-9f2c41d08e7a5b66")
    {
        Add(_key);
        _write.AddTo(this);
        _register.AddTo(this);
    }

    /// <inheritdoc/>
    public override async Task<int> RunAsync(
        ParseResult arguments, CommandStreams streams, CancellationToken cancellation)
    {
        var name = new RecordName(arguments.GetValue(_key)!);
        RegisterOptions register = _register.Read(arguments, [.. _write.All]);
        PutOptions put = _write.Read(arguments);
        using Deadline deadline = DeadlineOf(arguments, cancellation);
        if (_register.IsRegister(arguments))
        {
            return await DeleteRegisterAsync(name, register, arguments, streams, deadline)
                .ConfigureAwait(false);
        }

        PutReceipt receipt = await WithRecordsAsync(
            arguments,
            deadline,
            name,
            dht => dht.DeleteAsync(name.Bytes, put with { Timeout = deadline.Left }, deadline.Token),
            WriteUnderWay)
            .ConfigureAwait(false);
        return await ShowAsync(
            Common.IsJson(arguments)
                ? ReceiptText.Json(name, null, receipt)
                : ReceiptText.Human($"deleted {name}", receipt),
            streams,
            deadline,
            "the record is deleted").ConfigureAwait(false);
    }

    private async Task<int> DeleteRegisterAsync(
        RecordName name,
        RegisterOptions options,
        ParseResult arguments,
        CommandStreams streams,
        Deadline deadline)
    {
        RegisterResult result = await WithRecordsAsync(
            arguments,
            deadline,
            name,
            dht => dht.DeleteRegisterAsync(
                name.Bytes, options with { Timeout = deadline.Left }, deadline.Token),
            WriteUnderWay)
            .ConfigureAwait(false);
        if (RegisterText.Failure(name, result) is { } failure)
        {
            throw failure;
        }

        return await ShowAsync(
            Common.IsJson(arguments)
                ? RegisterText.Json(name, result, includesValue: false)
                : RegisterText.Human($"deleted the register {name}", result),
            streams,
            deadline,
            "the register is deleted").ConfigureAwait(false);
    }
}
