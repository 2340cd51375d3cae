namespace Igor.Kbr;

/// <summary>
/// The upcalls of the common KBR interface. They come one at a time, on the thread that runs the node: they
/// must not block, and payloads are valid during the call only. One that throws is logged with the service's
/// name, and the node goes on.
/// </summary>
public interface IKbrApplication
{
    /// <summary>
    /// A message reached the root of its key (this node), or this node by its id. Only members get
    /// deliveries.
    /// </summary>
    /// <remarks>
    /// Delivery is at least once: a request whose answer is lost or late is sent again, perhaps on another
    /// path and to another root, and is delivered again; here not while it is open. <see
    /// cref="KbrDelivery.RequestId"/> is the same each time; an application whose requests must not be done
    /// twice remembers the ids of those done, for as long as its callers' timeouts, and answers a repeat as
    /// it did the first. A request that is answered neither here nor later (<see cref="IKbrService.Reply"/>,
    /// <see cref="IKbrService.Fail"/>) ends at its caller's deadline. When this throws, the caller gets <see
    /// cref="KbrStatus.Failed"/> at once; when the application goes, open requests look for the next root.
    /// </remarks>
    void Deliver(in KbrDelivery delivery);

    /// <summary>
    /// A message of the service passes through this node. Asked only when the subscription wants it. What is
    /// returned decides whether the message goes on, stops here, or goes on with another payload. When it
    /// throws, the message goes on as it is.
    /// </summary>
    ForwardDecision Forward(in KbrForward message) => ForwardDecision.Continue;

    /// <summary>The neighbour set of the node in this service changed.</summary>
    void Update(NeighbourChange change);
}
