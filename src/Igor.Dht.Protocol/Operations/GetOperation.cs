using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Operations;

/// <summary>
/// A get. "Unreachable" is not final: it is asked again until time is over, since members come back and roots
/// settle.
/// </summary>
internal sealed class GetOperation(
    DhtContext context, DhtClient client, long number, DhtGet get)
    : ClientOperation(context, client, number, get.Key, get.Timeout)
{
    private GotMessage? _last;

    /// <inheritdoc/>
    protected override void WriteRequest(TimeSpan budget) =>
        new GetMessage(Key, get.Consistency, budget).Write(Context.Buffer);

    /// <inheritdoc/>
    protected override bool HandleAnswer(MessageKind kind, in KbrReply reply)
    {
        if (kind != MessageKind.Got)
        {
            return false;
        }

        if (TryRead(reply, GotMessage.Read, out GotMessage got))
        {
            HandleGot(got, reply.Responder);
        }

        return true;
    }

    private void HandleGot(in GotMessage got, Key responder)
    {
        if (got.Outcome == GetOutcome.Unreachable)
        {
            _last = got;
            Retry($"only {got.Answered} of {got.Asked} replicas could answer");
            return;
        }

        ReadOnlyMemory<byte> value = default;
        if (got.Outcome == GetOutcome.Found)
        {
            Record? record = RecordCodec.TryDecode(Context.Own(got.Record), out string error);
            error = record is null ? error
                : record.Header.Key != Key ? "it has another key"
                : record.Header.Type != get.Type ? $"it is of type '{record.Header.Type}', not '{get.Type}'"
                : Context.Judge.FormOf(record)?.Text ?? string.Empty;
            if (error.Length > 0)
            {
                Retry($"node {responder.ToShortString()} sent a record that is none: {error}");
                return;
            }

            value = RecordCodec.ValueOf(record!);
        }

        Context.Clock.Observe(got.Version, Context.Now.UnixMs);
        End(new OperationResult { Got = ResultOf(got, value) });
    }

    /// <inheritdoc/>
    protected override OperationResult OutOfTime() => new()
    {
        Got = ResultOf(
            _last ?? new GotMessage(GetOutcome.Unreachable, false, 0, 0, default, 0, default), default)
            with
        {
            Trouble = Tried,
        },
    };

    private GetResult ResultOf(GotMessage got, ReadOnlyMemory<byte> value) => new()
    {
        Key = Key,
        Outcome = got.Outcome,
        Value = value,
        Version = got.Version,
        ExpiresAtUnixMs = got.ExpiresAtUnixMs,
        IsDegraded = got.IsDegraded,
        ReplicasAnswered = got.Answered,
        ReplicasAsked = got.Asked,
    };
}
