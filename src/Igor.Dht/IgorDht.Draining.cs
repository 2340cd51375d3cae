using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Dht;

/// <content>Members that go for good.</content>
public sealed partial class IgorDht
{
    /// <summary>
    /// Completes when the member that this DHT is has gone for good: it keeps no records for others any more,
    /// its store is left as it was, and operations go on as a client's.
    /// </summary>
    public Task Drained => _host.Drained;

    /// <summary>
    /// Has the member on this node go for good, whichever process it is of: it gives others all that it
    /// holds, is voted out where it votes, and serves meanwhile; then it leaves the service. Once it is
    /// drained, its process can be stopped, and nothing is missed. When that does not come about in time, it
    /// is a member as before.
    /// </summary>
    /// <param name="within">The time that it may take.</param>
    /// <param name="progress">Is told how far it is.</param>
    /// <param name="cancellationToken">Has it stay, unless it is too late for that.</param>
    /// <returns>How it ended: drained, or failed and why.</returns>
    /// <exception cref="DhtException">There is no member on this node, or it ended meanwhile.</exception>
    public async Task<DrainProgress> DrainAsync(
        TimeSpan within,
        IProgress<DrainProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        await _host.DrainAsync(within, progress, cancellationToken).ConfigureAwait(false)
        ?? throw new DhtException(
            DhtError.Local,
            "No member of the DHT answers on this node: it keeps no records, is drained already, or ended.");

    private static readonly TimeSpan LastNews = TimeSpan.FromMilliseconds(500);

    // A member that is drained is a member no more: others have forgotten it. Who asked for that and is about
    // to ask how far it is hears of the end before.
    private async Task FollowDrainAsync()
    {
        await _host.Drained.ConfigureAwait(false);
        await Task.Delay(LastNews).ConfigureAwait(false);
        try
        {
            IKbrService client = await _connection.RetireAsync(_host, _options.Timeout).ConfigureAwait(false);
            await _host.AttachAsync(client).ConfigureAwait(false);
        }
        catch (KbrException)
        {
            // The node is about to end.
        }
    }
}
