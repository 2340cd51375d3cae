using Igor.Dht.Protocol.Messages;
using Igor.Dht.Storage;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht;

/// <content>
/// Clients of a node ask the member that is attached to the same node how it is: their own view knows nothing
/// of records. It is a matter between processes of one host, so nobody else is told.
/// </content>
internal sealed partial class DhtHost
{
    private readonly PayloadBuffer _statusBuffer = new();

    /// <summary>
    /// How the member on this client's node is; null when there is none, or it does not say in time.
    /// </summary>
    public async Task<StatusMessage?> AskMemberAsync(TimeSpan timeout)
    {
        var completion =
            new TaskCompletionSource<StatusMessage?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var question = new PayloadBuffer();
        StatusMessage.WriteQuestion(question);
        _service!.Request(
            _service.NodeId,
            question.Written,
            new RequestOptions(timeout, Exact: true),
            reply => completion.SetResult(Answer(reply)));
        return await completion.Task.ConfigureAwait(false);
    }

    private static StatusMessage? Answer(in KbrReply reply)
    {
        if (reply.Status != KbrStatus.Ok)
        {
            return null;
        }

        try
        {
            var reader = new MessagePackReader(reply.Payload);
            return CommonMessages.ReadKind(ref reader) == MessageKind.StatusIs
                ? StatusMessage.Read(ref reader)
                : null;
        }
        catch (Exception e) when (CommonMessages.IsMalformed(e))
        {
            return null;
        }
    }

    /// <summary>Answers a question for the status; false when the delivery is something else.</summary>
    private bool TryTellStatus(in KbrDelivery delivery)
    {
        if (!delivery.IsSourceProven || delivery.Source != _service!.NodeId
            || !IsStatusQuestion(delivery.Payload))
        {
            return false;
        }

        new StatusMessage(_node.Status, FiguresOf(_store?.Status)).Write(_statusBuffer);
        _service.Reply(delivery.Token, _statusBuffer.Written);
        return true;
    }

    private static bool IsStatusQuestion(ReadOnlyMemory<byte> payload) =>
        payload.Span is [0x91, (byte)MessageKind.Status];

    private static StoreFigures? FiguresOf(StoreStatus? store) => store is null
        ? null
        : new StoreFigures(
            store.Records,
            store.LiveBytes,
            store.DiskBytes,
            store.DamagedRecords,
            store.Trouble,
            store.Rebuilt);
}
