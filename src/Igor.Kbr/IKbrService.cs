namespace Igor.Kbr;

/// <summary>
/// Key based routing inside one service: the downcalls of the common KBR interface (Dabek et al., "Towards a
/// Common API for Structured Peer-to-Peer Overlays", IPTPS'03) plus request-reply. The semantics are the same
/// in the node's own process, over the daemon's local socket and in the simulator. All members are
/// thread-safe.
/// </summary>
public interface IKbrService : IAsyncDisposable
{
    /// <summary>The service's name.</summary>
    string Name { get; }

    /// <summary>The service's id.</summary>
    ServiceId Id { get; }

    /// <summary>Whether the application is responsible for keys.</summary>
    ServiceRole Role { get; }

    /// <summary>The id of the node that the application is attached to.</summary>
    Key NodeId { get; }

    /// <summary>
    /// The newest known neighbour set of the node in this service. For a client of a node that is no member
    /// it holds the members the node is connected to.
    /// </summary>
    NeighbourSet Neighbours { get; }

    /// <summary>
    /// Sends a message towards a key, without an answer and without a guarantee. The payload is copied before
    /// the call returns.
    /// </summary>
    /// <returns>
    /// Ok when the node has taken it, or, over the daemon's local socket, when it is on its way to the node,
    /// which may still drop it for want of room: only a request hears of its end. Otherwise why it cannot be
    /// sent: <see cref="KbrStatus.Unreachable"/> (no member of the service is known yet),
    /// <see cref="KbrStatus.TooLarge"/>, <see cref="KbrStatus.Overloaded"/> (the node's queue is full) or
    /// <see cref="KbrStatus.Closed"/>.
    /// </returns>
    KbrStatus Route(Key destination, ReadOnlyMemory<byte> payload, RouteOptions options = default);

    /// <summary>
    /// Sends a request towards a key. <paramref name="completed"/> is called exactly once, at the latest when
    /// the timeout has passed, on the thread that runs the node: it must not block, and the reply's payload
    /// is valid during the call only. The request's payload is copied before the call returns. It may be
    /// delivered more than once (<see cref="IKbrApplication.Deliver"/>).
    /// </summary>
    void Request(
        Key destination, ReadOnlyMemory<byte> payload, RequestOptions options, Action<KbrReply> completed);

    /// <summary>The same without a copy, where the node is in this process: it holds the payload.</summary>
    void RequestPooled(
        Key destination, PooledPayload payload, RequestOptions options, Action<KbrReply> completed) =>
        Request(destination, payload.Memory, options, completed);

    /// <summary>
    /// Answers a delivered request. The payload is copied before the call returns. An answer that comes after
    /// the request's deadline is dropped; one that is larger than a message may be ends the request as
    /// <see cref="KbrStatus.Failed"/>.
    /// </summary>
    void Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload);

    /// <summary>The same without a copy, where the node is in this process: it holds the payload.</summary>
    void ReplyPooled(DeliveryToken delivery, PooledPayload payload) => Reply(delivery, payload.Memory);

    /// <summary>Answers a request with an error: it ends as <see cref="KbrStatus.Failed"/>.</summary>
    /// <param name="delivery">The request.</param>
    /// <param name="error">
    /// For people at the caller's end; what is longer than <see cref="KbrReply.ErrorLengthMax"/> is cut.
    /// </param>
    /// <param name="isTemporary">
    /// Whether it is worth while to ask again: the caller's node does, for as long as the request has time,
    /// and ends it as <see cref="KbrStatus.Overloaded"/> after that.
    /// </param>
    void Fail(DeliveryToken delivery, string error, bool isTemporary = false);
}
