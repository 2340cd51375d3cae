namespace Igor.Kbr;

/// <summary>
/// The upcalls of the common KBR interface. They come one at a time, on the thread that runs the node: they
/// must not block, and payloads are valid during the call only.
/// </summary>
public interface IKbrApplication
{
    /// <summary>
    /// A message reached the root of its key (this node), or this node by its id. Only members get
    /// deliveries.
    /// </summary>
    void Deliver(in KbrDelivery delivery);

    /// <summary>
    /// A message of the service passes through this node. Asked only when the subscription wants it. What is
    /// returned decides whether the message goes on, stops here, or goes on with another payload.
    /// </summary>
    ForwardDecision Forward(in KbrForward message) => ForwardDecision.Continue;

    /// <summary>The neighbour set of the node in this service changed.</summary>
    void Update(NeighbourChange change);
}
