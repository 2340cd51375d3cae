using Igor.Kbr;

namespace Igor.Local;

/// <summary>
/// What the application of a session has not answered yet: deliveries that want a reply, and passing messages
/// that wait for a decision. Bounded: the oldest makes room, and its asker is told. Thread-safe.
/// </summary>
internal sealed class OpenUpcalls(int deliveriesMax, int forwardsMax)
{
    private readonly Lock _lock = new();
    private readonly NumberedTable<(LocalSubscription Subscription, DeliveryToken Token)> _deliveries =
        new(deliveriesMax);

    private readonly NumberedTable<Action<ForwardDecision>> _forwards = new(forwardsMax);
    private bool _hasEnded;

    /// <summary>Numbers a delivery that may be answered.</summary>
    public long AddDelivery(LocalSubscription subscription, DeliveryToken token)
    {
        (LocalSubscription Subscription, DeliveryToken Token) evicted;
        long number;
        lock (_lock)
        {
            number = _deliveries.Add((subscription, token), out evicted);
        }

        evicted.Subscription?.Fail(
            evicted.Token, "the application leaves too many deliveries unanswered", isTemporary: true);
        return number;
    }

    /// <summary>Answers a delivery; nothing happens when it was answered, or it is too late.</summary>
    public void Reply(long token, ReadOnlyMemory<byte> payload)
    {
        if (TakeDelivery(token) is { } delivery)
        {
            delivery.Subscription.Reply(delivery.Token, payload);
        }
    }

    /// <summary>Answers a delivery with an error, in the same way.</summary>
    public void Fail(long token, string error, bool isTemporary)
    {
        if (TakeDelivery(token) is { } delivery)
        {
            delivery.Subscription.Fail(delivery.Token, error, isTemporary);
        }
    }

    /// <summary>Numbers a passing message that waits for a decision.</summary>
    public long AddForward(Action<ForwardDecision> decide)
    {
        Action<ForwardDecision>? passed = decide;
        long number = 0;
        lock (_lock)
        {
            if (!_hasEnded)
            {
                number = _forwards.Add(decide, out passed);
            }
        }

        passed?.Invoke(ForwardDecision.Continue);
        return number;
    }

    /// <summary>Ends the wait of a passing message; nothing happens when it does not wait any more.</summary>
    public void Decide(long parked, ForwardDecision decision)
    {
        Action<ForwardDecision>? decide;
        lock (_lock)
        {
            _forwards.TryTake(parked, out decide);
        }

        decide?.Invoke(decision);
    }

    /// <summary>
    /// The application is gone: passing messages go on. Its deliveries end with its subscriptions.
    /// </summary>
    public void End()
    {
        IReadOnlyList<Action<ForwardDecision>> forwards;
        lock (_lock)
        {
            _hasEnded = true;
            forwards = _forwards.TakeAll();
        }

        foreach (Action<ForwardDecision> decide in forwards)
        {
            decide(ForwardDecision.Continue);
        }
    }

    private (LocalSubscription Subscription, DeliveryToken Token)? TakeDelivery(long token)
    {
        lock (_lock)
        {
            return _deliveries.TryTake(token, out var delivery) ? delivery : null;
        }
    }
}
