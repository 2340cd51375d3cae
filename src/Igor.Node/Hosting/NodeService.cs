using Igor.Kbr;
using Igor.Kbr.Hosting;
using Igor.Local;
using Igor.Node.Memory;
using Igor.Node.Scheduling;

namespace Igor.Node.Hosting;

/// <summary>The handle of an application: posts what it asks for to the strand of the node.</summary>
internal sealed class NodeService : AttachedService
{
    private readonly bool _isCharged;

    /// <summary>Makes the handle of an application.</summary>
    public NodeService(OverlayHost host, SubscribeOptions options, IKbrApplication application)
        : base(host.NodeId, options, application)
    {
        Host = host;
        var share = (application as ISharedApplication)?.Share as ApplicationShare;
        Work = share?.Work ?? new WorkSource(WorkClass.Member);
        _isCharged = share is not null;
        Account = share?.Account ?? host.OwnAccount;
    }

    /// <summary>The node it belongs to.</summary>
    public OverlayHost Host { get; }

    /// <summary>Whose bytes its calls are.</summary>
    public ByteAccount Account { get; }

    /// <summary>Where its calls come from: a source of its own, or one with others of one process.</summary>
    public WorkSource Work { get; }

    /// <inheritdoc/>
    public override KbrStatus Route(
        Key destination, ReadOnlyMemory<byte> payload, RouteOptions options = default)
    {
        KbrStatus status = CheckRoute(payload.Length, Host.PayloadBytesMax);
        if (status != KbrStatus.Ok)
        {
            return status;
        }

        return Host.TryPost(ServiceCall.Route(this, destination, payload, options))
            ? KbrStatus.Ok
            : KbrStatus.Overloaded;
    }

    /// <inheritdoc/>
    public override void RequestPooled(
        Key destination, PooledPayload payload, RequestOptions options, Action<KbrReply> completed)
    {
        ArgumentNullException.ThrowIfNull(completed);
        Host.Post(ServiceCall.Request(this, destination, payload, options, completed));
    }

    /// <inheritdoc/>
    public override void ReplyPooled(DeliveryToken delivery, PooledPayload payload) =>
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
    public override void Fail(DeliveryToken delivery, string error, bool isTemporary = false)
    {
        ArgumentNullException.ThrowIfNull(error);
        Host.Fail(this, delivery, error, isTemporary);
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync() => await Host.UnsubscribeAsync(this).ConfigureAwait(false);
}
