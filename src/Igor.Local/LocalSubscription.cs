using Igor.Kbr;
using Igor.Local.Protocol;

namespace Igor.Local;

/// <summary>
/// An application of a session, as the node sees it: turns upcalls into frames. Upcalls may come before the
/// node's answer to the subscription does.
/// </summary>
internal sealed class LocalSubscription(LocalSession session, int number)
    : IKbrDeferringApplication, ISharedApplication
{
    private readonly TaskCompletionSource<IKbrService> _attached = new(
        TaskCreationOptions.RunContinuationsAsynchronously);

    /// <inheritdoc/>
    public IApplicationShare? Share => session.Share;

    /// <summary>The application's number for it.</summary>
    public int Number => number;

    /// <summary>The service, once the node has answered.</summary>
    public IKbrService? Service => _attached.Task.IsCompletedSuccessfully ? _attached.Task.Result : null;

    /// <summary>The node answered.</summary>
    public void Attach(IKbrService service) => _attached.SetResult(service);

    /// <summary>
    /// Answers a delivery, which may have come before the node's answer to the subscription.
    /// </summary>
    public void Reply(DeliveryToken token, ReadOnlyMemory<byte> payload)
    {
        if (Service is { } service)
        {
            service.Reply(token, payload);
            return;
        }

        byte[] copy = payload.ToArray();
        WhenAttached(attached => attached.Reply(token, copy));
    }

    /// <summary>Answers a delivery with an error, in the same way.</summary>
    public void Fail(DeliveryToken token, string error, bool isTemporary) =>
        WhenAttached(service => service.Fail(token, error, isTemporary));

    /// <inheritdoc/>
    public void Deliver(in KbrDelivery delivery)
    {
        long token = delivery.Token.ExpectsReply ? session.Upcalls.AddDelivery(this, delivery.Token) : 0;
        var frame = new DeliverFrame(
            number,
            delivery.Destination,
            delivery.Source,
            token,
            delivery.Payload,
            delivery.IsSourceProven,
            delivery.RequestId.Number);
        if (!session.TrySendPayload(frame) && token != 0)
        {
            session.Upcalls.Fail(token, "the application reads its deliveries too slowly", isTemporary: true);
        }
    }

    /// <inheritdoc/>
    public void ForwardLater(in KbrForward message, Action<ForwardDecision> decide)
    {
        long parked = session.Upcalls.AddForward(decide);
        var frame = new ForwardFrame(
            number, parked, message.Destination, message.Source, message.NextHop, message.Payload);
        if (!session.TrySendPayload(frame))
        {
            session.Upcalls.Decide(parked, ForwardDecision.Continue);
        }
    }

    /// <inheritdoc/>
    public void Update(NeighbourChange change) => session.Send(new UpdateFrame(number, change));

    private void WhenAttached(Action<IKbrService> call)
    {
        if (Service is { } service)
        {
            call(service);
            return;
        }

        _attached.Task.ContinueWith(
            attached => call(attached.Result),
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion,
            TaskScheduler.Default);
    }
}
