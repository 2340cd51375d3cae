using Igor.Kbr;
using Igor.Local;
using Igor.Node.Memory;

namespace Igor.Node.Applications;

/// <summary>An application's handle on a service of the node in its own process.</summary>
internal sealed class LocalService : IKbrService
{
    private readonly bool _isCharged;
    private NeighbourSet _neighbours;
    private bool _isOpen = true;

    /// <summary>Makes the handle of an application.</summary>
    public LocalService(OverlayHost host, SubscribeOptions options, IKbrApplication application)
    {
        Host = host;
        Options = options;
        Application = application;
        var share = (application as ISharedApplication)?.Share as ApplicationShare;
        Work = share?.Work ?? new WorkSource(WorkClass.Member);
        _isCharged = share is not null;
        Account = share?.Account ?? host.OwnAccount;
        Id = ServiceId.FromName(options.Service);
        _neighbours = NeighbourSet.Alone(host.NodeId, isMember: false);
    }

    /// <inheritdoc/>
    public string Name => Options.Service;

    /// <inheritdoc/>
    public ServiceId Id { get; }

    /// <inheritdoc/>
    public ServiceRole Role => Options.Role;

    /// <inheritdoc/>
    public Key NodeId => Host.NodeId;

    /// <inheritdoc/>
    public NeighbourSet Neighbours
    {
        get => Volatile.Read(ref _neighbours);
        set => Volatile.Write(ref _neighbours, value);
    }

    /// <summary>The node it belongs to.</summary>
    public OverlayHost Host { get; }

    /// <summary>Whose bytes its calls are.</summary>
    public ByteAccount Account { get; }

    /// <summary>What the application subscribed to.</summary>
    public SubscribeOptions Options { get; }

    /// <summary>Where its calls come from: a source of its own, or one with others of one process.</summary>
    public WorkSource Work { get; }

    /// <summary>The application.</summary>
    public IKbrApplication Application { get; }

    /// <summary>Whether the application is still attached. Set on the strand only.</summary>
    public bool IsOpen
    {
        get => Volatile.Read(ref _isOpen);
        set => Volatile.Write(ref _isOpen, value);
    }

    /// <inheritdoc/>
    public KbrStatus Route(Key destination, ReadOnlyMemory<byte> payload, RouteOptions options = default)
    {
        if (!IsOpen)
        {
            return KbrStatus.Closed;
        }

        if (payload.Length > Host.PayloadBytesMax)
        {
            return KbrStatus.TooLarge;
        }

        NeighbourSet known = Neighbours;
        if (!known.IsMember && known.Count == 0)
        {
            return KbrStatus.Unreachable;
        }

        return Host.TryPost(ServiceCall.Route(this, destination, payload, options))
            ? KbrStatus.Ok
            : KbrStatus.Overloaded;
    }

    /// <inheritdoc/>
    public void Request(
        Key destination, ReadOnlyMemory<byte> payload, RequestOptions options, Action<KbrReply> completed)
    {
        ArgumentNullException.ThrowIfNull(completed);
        Host.Post(ServiceCall.Request(this, destination, payload, options, completed));
    }

    /// <inheritdoc/>
    public void Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload) =>
        Host.Post(ServiceCall.Reply(this, delivery, payload));

    /// <summary>
    /// Takes bytes for a call. An application in this process bounds what it asks for itself, since it is its
    /// memory too; what it has under way leaves less for others.
    /// </summary>
    public bool TryTake(int bytes)
    {
        if (_isCharged)
        {
            return Account.TryTake(bytes);
        }

        Account.Take(bytes);
        return true;
    }

    /// <inheritdoc/>
    public void Fail(DeliveryToken delivery, string error, bool isTemporary = false)
    {
        ArgumentNullException.ThrowIfNull(error);
        Host.Fail(this, delivery, error, isTemporary);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await Host.UnsubscribeAsync(this).ConfigureAwait(false);
}
