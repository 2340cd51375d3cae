using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Messages;
using Igor.Kbr;

namespace Igor.Dht;

/// <content>A member that goes for good, and clients of its node that want it to.</content>
internal sealed partial class DhtHost
{
    private static readonly TimeSpan NewsPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StayPatience = TimeSpan.FromSeconds(1);

    /// <summary>How long after its time a member may take to say that it failed.</summary>
    private static readonly TimeSpan DrainSlack = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource _drained =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// Completes when the member is drained: it is to leave the service at once, and goes on as a client when
    /// it is attached as one.
    /// </summary>
    public Task Drained => _drained.Task;

    /// <summary>
    /// Has the member on this node go for good; null when there is none, or it ended before it said so.
    /// </summary>
    public async Task<DrainProgress?> DrainAsync(
        TimeSpan within, IProgress<DrainProgress>? progress, CancellationToken cancellationToken)
    {
        TimeSpan end = BootClock.Now + within + DrainSlack;
        var message = new DrainMessage(DrainWish.Go, within, 0);
        try
        {
            while (BootClock.Now < end)
            {
                (KbrStatus status, (ulong Revision, DrainProgress Progress)? told) =
                    await AskAsync(message, NewsPatience).WaitAsync(cancellationToken).ConfigureAwait(false);
                if (told is { } news)
                {
                    message = new DrainMessage(DrainWish.None, default, news.Revision);
                    progress?.Report(news.Progress);
                    if (news.Progress.Stage is DrainStage.Drained or DrainStage.Failed)
                    {
                        return news.Progress;
                    }
                }
                else if (status != KbrStatus.Timeout)
                {
                    return null;
                }
            }
        }
        catch (OperationCanceledException)
        {
            await AskAsync(new DrainMessage(DrainWish.Stay, default, 0), StayPatience).ConfigureAwait(false);
            throw;
        }

        return null;
    }

    private void RetireWhenDrained()
    {
        if (_driver.Draining.Stage == DrainStage.Drained && !_drained.Task.IsCompleted)
        {
            _driver.Retire();
            _drained.TrySetResult();
        }
    }

    private async Task<(KbrStatus Status, (ulong Revision, DrainProgress Progress)? Told)> AskAsync(
        DrainMessage message, TimeSpan timeout)
    {
        var completion = new TaskCompletionSource<(KbrStatus, (ulong, DrainProgress)?)>(
            TaskCreationOptions.RunContinuationsAsynchronously);
        _service!.Request(
            _service.NodeId,
            message.Encode(),
            new RequestOptions(timeout, Exact: true),
            reply => completion.SetResult((
                reply.Status,
                reply.Status == KbrStatus.Ok ? DrainMessage.TryDecode(reply.Payload) : null)));
        return await completion.Task.ConfigureAwait(false);
    }
}
