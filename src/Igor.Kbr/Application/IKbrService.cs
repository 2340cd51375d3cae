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
    void Route(Key destination, ReadOnlyMemory<byte> payload, RouteOptions options = default);

    /// <summary>
    /// Sends a request towards a key. <paramref name="completed"/> is called exactly once, at the latest when
    /// the timeout has passed, on the thread that runs the node: it must not block, and the reply's payload
    /// is valid during the call only. The request's payload is copied before the call returns.
    /// </summary>
    void Request(
        Key destination, ReadOnlyMemory<byte> payload, RequestOptions options, Action<KbrReply> completed);

    /// <summary>
    /// Answers a delivered request. The payload is copied before the call returns. An answer that comes after
    /// the request's deadline is dropped.
    /// </summary>
    void Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload);
}
