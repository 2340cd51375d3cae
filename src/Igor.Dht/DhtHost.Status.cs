using Igor.Dht.Protocol.Messages;
using Igor.Kbr;

namespace Igor.Dht;

/// <content>
/// Clients of a node ask the member that is attached to the same node how it is: their own view knows nothing
/// of records.
/// </content>
internal sealed partial class DhtHost
{
    /// <summary>
    /// How the member on this client's node is; null when there is none, or it does not say in time.
    /// </summary>
    public async Task<StatusMessage?> AskMemberAsync(TimeSpan timeout)
    {
        var completion =
            new TaskCompletionSource<StatusMessage?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _service!.Request(
            _service.NodeId,
            StatusMessage.Question,
            new RequestOptions(timeout, Exact: true),
            reply => completion.SetResult(
                reply.Status == KbrStatus.Ok ? StatusMessage.TryDecode(reply.Payload) : null));
        return await completion.Task.ConfigureAwait(false);
    }
}
