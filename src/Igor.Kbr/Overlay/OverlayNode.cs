namespace Igor.Kbr;

/// <summary>The overlay protocol of one node. (Skeleton: the inputs.)</summary>
public sealed class OverlayNode
{
    /// <summary>Makes a node; nothing happens before <see cref="Start"/>.</summary>
    /// <param name="id">The node's id.</param>
    /// <param name="options">Settings.</param>
    /// <param name="output">Where effects go.</param>
    /// <param name="seed">Seed of the node's only source of randomness.</param>
    public OverlayNode(Key id, OverlayOptions options, IOverlayOutput output, ulong seed)
    {
        Id = id;
        _ = options;
        _ = output;
        _ = seed;
    }

    /// <summary>The node's id.</summary>
    public Key Id { get; }

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline => throw new NotSupportedException(Id.ToString());

    /// <summary>Starts joining.</summary>
    public void Start(TimeSpan now) => throw new NotSupportedException();

    /// <summary>The deadline has passed.</summary>
    public void HandleDeadline(TimeSpan now) => throw new NotSupportedException();

    /// <summary>A connection was opened, and its other end proved to be the peer.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="link">The host's name for the connection.</param>
    /// <param name="peer">The id that the peer's certificate proves.</param>
    /// <param name="dial">The attempt that led to it; null when the peer connected to us.</param>
    /// <param name="remoteAddress">host:port of the other end, for messages.</param>
    public void HandleLinkOpened(TimeSpan now, LinkId link, Key peer, DialId? dial, string remoteAddress) =>
        throw new NotSupportedException();

    /// <summary>An attempt to connect failed.</summary>
    public void HandleDialFailed(TimeSpan now, DialId dial, string cause) => throw new NotSupportedException();

    /// <summary>A connection broke or was closed by the other end.</summary>
    public void HandleLinkClosed(TimeSpan now, LinkId link, string cause) => throw new NotSupportedException();

    /// <summary>The host measured the round-trip time of a link (from the kernel, where it has it).</summary>
    public void HandleRoundTrip(TimeSpan now, LinkId link, TimeSpan roundTrip) => throw new NotSupportedException();

    /// <summary>A frame arrived. The body is valid during the call; any content is handled, however wrong.</summary>
    public void HandleFrame(TimeSpan now, LinkId link, ReadOnlyMemory<byte> body) => throw new NotSupportedException();

    /// <summary>An application wants to run a service here (one member per service; the host sees to that).</summary>
    public void Subscribe(TimeSpan now, SubscribeOptions options) => throw new NotSupportedException();

    /// <summary>An application that subscribed in that role is gone.</summary>
    public void Unsubscribe(TimeSpan now, ServiceId service, ServiceRole role) => throw new NotSupportedException();

    /// <summary>A local application sends a message.</summary>
    public void Route(
        TimeSpan now, ServiceId service, Key destination, ReadOnlyMemory<byte> payload, RouteOptions options) =>
        throw new NotSupportedException();

    /// <summary>A local application sends a request; ends in <see cref="IOverlayOutput.CompleteRequest"/>.</summary>
    public void Request(
        TimeSpan now,
        RequestId request,
        ServiceId service,
        Key destination,
        ReadOnlyMemory<byte> payload,
        RequestOptions options) => throw new NotSupportedException();

    /// <summary>A local application answers a delivered request.</summary>
    public void Reply(TimeSpan now, DeliveryToken delivery, ReadOnlyMemory<byte> payload) =>
        throw new NotSupportedException();

    /// <summary>A local application decided about a message that passes through.</summary>
    public void ResumeForward(TimeSpan now, long parked, ForwardDecision decision) => throw new NotSupportedException();

    /// <summary>Tells peers that the node leaves, and closes all links.</summary>
    public void Leave(TimeSpan now) => throw new NotSupportedException();

    /// <summary>The neighbour set of the node in a service.</summary>
    public NeighbourSet Neighbours(ServiceId service) => throw new NotSupportedException();

    /// <summary>Whether the node is an active member of the ring.</summary>
    public bool IsJoined => throw new NotSupportedException();

    /// <summary>The connected peers, for status pages.</summary>
    public IReadOnlyList<PeerStatus> Peers => throw new NotSupportedException();
}
