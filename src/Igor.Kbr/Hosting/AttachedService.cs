namespace Igor.Kbr.Hosting;

/// <summary>
/// An application's handle on a service of a node in the same process. Hosts derive theirs, which bring calls
/// to where the node runs; an <see cref="ApplicationTable{TService}"/> keeps it true.
/// </summary>
internal abstract class AttachedService : IKbrService
{
    private volatile NeighbourSet _neighbours;
    private volatile bool _isOpen = true;

    /// <summary>Makes the handle of an application.</summary>
    /// <exception cref="KbrException">The service's name is not valid.</exception>
    protected AttachedService(Key nodeId, SubscribeOptions options, IKbrApplication application)
    {
        if (!ServiceId.IsValidName(options.Service))
        {
            throw new KbrException(
                $"'{PrintableText.Of(options.Service)}' cannot name a service: "
                + $"a name has {ServiceId.NameRule}.");
        }

        NodeId = nodeId;
        Options = options;
        Application = application;
        Id = ServiceId.FromName(options.Service);
        _neighbours = NeighbourSet.Alone(nodeId, isMember: false);
    }

    /// <inheritdoc/>
    public string Name => Options.Service;

    /// <inheritdoc/>
    public ServiceId Id { get; }

    /// <inheritdoc/>
    public ServiceRole Role => Options.Role;

    /// <inheritdoc/>
    public Key NodeId { get; }

    /// <inheritdoc/>
    public virtual NeighbourSet Neighbours => _neighbours;

    public SubscribeOptions Options { get; }

    public IKbrApplication Application { get; }

    /// <summary>Whether the application is attached still, and its node lives.</summary>
    public bool IsOpen => _isOpen;

    /// <inheritdoc/>
    public abstract KbrStatus Route(
        Key destination, ReadOnlyMemory<byte> payload, RouteOptions options = default);

    /// <inheritdoc/>
    public void Request(
        Key destination, ReadOnlyMemory<byte> payload, RequestOptions options, Action<KbrReply> completed)
    {
        PooledPayload copy = PooledPayload.Of(payload.Span);
        RequestPooled(destination, copy, options, completed);
        copy.Release();
    }

    /// <inheritdoc/>
    public abstract void RequestPooled(
        Key destination, PooledPayload payload, RequestOptions options, Action<KbrReply> completed);

    /// <inheritdoc/>
    public void Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload)
    {
        PooledPayload copy = PooledPayload.Of(payload.Span);
        ReplyPooled(delivery, copy);
        copy.Release();
    }

    /// <inheritdoc/>
    public abstract void ReplyPooled(DeliveryToken delivery, PooledPayload payload);

    /// <inheritdoc/>
    public abstract void Fail(DeliveryToken delivery, string error, bool isTemporary = false);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();

    /// <summary>What the application sees as the neighbour set from now on.</summary>
    internal void Show(NeighbourSet neighbours) => _neighbours = neighbours;

    /// <summary>From now on the handle does nothing.</summary>
    internal void Close() => _isOpen = false;

    /// <summary>Whether a message can be sent; what cannot go is said before it is queued.</summary>
    protected KbrStatus CheckRoute(int payloadBytes, int payloadBytesMax)
    {
        if (!IsOpen)
        {
            return KbrStatus.Closed;
        }

        if (payloadBytes > payloadBytesMax)
        {
            return KbrStatus.TooLarge;
        }

        NeighbourSet known = Neighbours;
        return known.IsMember || known.Count > 0 ? KbrStatus.Ok : KbrStatus.Unreachable;
    }
}
