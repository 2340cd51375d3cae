using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Messages;
using Igor.Kbr;

namespace Igor.Dht;

/// <content>
/// Clients of a node ask the member that is attached to the same node how it is: their own view knows nothing
/// of records.
/// </content>
internal sealed partial class DhtHost
{
    private static readonly TimeSpan ForgetPause = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Tells the member nearest to one that is dead, or asks it what that means; null when it does not answer
    /// in time.
    /// </summary>
    public async Task<ForgetResult?> ForgetAsync(
        Key member, bool isMeant, TimeSpan timeout, CancellationToken cancellationToken)
    {
        TimeSpan end = BootClock.Now + timeout;
        ReadOnlyMemory<byte> request = new ForgetMessage(member, isMeant).Encode();
        while (BootClock.Now < end)
        {
            var completion =
                new TaskCompletionSource<ForgetResult?>(TaskCreationOptions.RunContinuationsAsynchronously);
            _service!.Request(
                member,
                request,
                new RequestOptions(end - BootClock.Now, Exact: false),
                reply => completion.SetResult(
                    reply.Status == KbrStatus.Ok ? ForgetMessage.TryDecode(reply.Payload) : null));
            if (await completion.Task.WaitAsync(cancellationToken).ConfigureAwait(false) is { } told)
            {
                return told;
            }

            await Task.Delay(ForgetPause, cancellationToken).ConfigureAwait(false);
        }

        return null;
    }

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
