namespace Igor.Kbr;

/// <summary>
/// Where an application attaches: a node in its own process, or a daemon behind its local socket.
/// </summary>
public interface IKbrHost : IAsyncDisposable
{
    /// <summary>The id of the node.</summary>
    Key NodeId { get; }

    /// <summary>What time it is, for all that other nodes see; cheap, and on any thread.</summary>
    NetworkTime Time { get; }

    /// <summary>
    /// Attaches an application to a service. Completes when the node has subscribed (a member may still be
    /// joining the service's ring; <see cref="IKbrService.Neighbours"/> says when it has).
    /// </summary>
    /// <exception cref="KbrException">
    /// The service already has a member application on this node, the name is not valid, or the node is
    /// closed.
    /// </exception>
    /// <exception cref="OperationCanceledException">
    /// The token was cancelled; the application is not attached.
    /// </exception>
    ValueTask<IKbrService> SubscribeAsync(
        SubscribeOptions options,
        IKbrApplication application,
        CancellationToken cancellationToken = default);

    /// <summary>What the node says of itself.</summary>
    /// <exception cref="KbrException">
    /// The node is closed, or the connection to the daemon is lost.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask<HostStatus> GetStatusAsync(CancellationToken cancellationToken = default);
}
