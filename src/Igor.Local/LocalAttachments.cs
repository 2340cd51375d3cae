using Igor.Kbr;
using Igor.Local.Protocol;

namespace Igor.Local;

/// <summary>The services that the application of a session is attached to.</summary>
internal sealed class LocalAttachments
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, LocalSubscription> _subscriptions = [];
    private readonly LocalSession _session;
    private readonly IKbrHost _host;
    private readonly int _capacity;
    private readonly CancellationToken _sessionEnded;

    public LocalAttachments(LocalSession session, IKbrHost host, int capacity, CancellationToken sessionEnded)
    {
        _session = session;
        _host = host;
        _capacity = capacity;
        _sessionEnded = sessionEnded;
    }

    /// <summary>Number of services.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _subscriptions.Count;
            }
        }
    }

    /// <summary>The subscription of that number; null when there is none.</summary>
    public LocalSubscription? Find(int number)
    {
        lock (_lock)
        {
            return _subscriptions.GetValueOrDefault(number);
        }
    }

    /// <summary>Attaches the application; answered when the node has answered.</summary>
    public Task SubscribeAsync(SubscribeFrame frame)
    {
        var subscription = new LocalSubscription(_session, frame.Subscription);
        RefusedFrame? refusal = null;
        lock (_lock)
        {
            if (_subscriptions.Count >= _capacity)
            {
                refusal = new RefusedFrame(
                    frame.Call,
                    RefusalCode.TooMany,
                    $"An application may attach to {_capacity} services at most.");
            }
            else if (!_subscriptions.TryAdd(frame.Subscription, subscription))
            {
                refusal = new RefusedFrame(
                    frame.Call,
                    RefusalCode.Subscription,
                    $"Subscription {frame.Subscription} exists already.");
            }
        }

        if (refusal is null)
        {
            return AttachAsync(subscription, frame);
        }

        _session.Send(refusal);
        return Task.CompletedTask;
    }

    /// <summary>Detaches the application; answered when the node has let go.</summary>
    public Task UnsubscribeAsync(UnsubscribeFrame frame)
    {
        LocalSubscription? subscription = Find(frame.Subscription);
        if (subscription is null)
        {
            _session.Send(new RefusedFrame(
                frame.Call, RefusalCode.Subscription, $"There is no subscription {frame.Subscription}."));
            return Task.CompletedTask;
        }

        Remove(subscription);
        return DetachAsync(subscription, frame.Call);
    }

    /// <summary>Detaches the application from everything.</summary>
    public async Task EndAsync()
    {
        LocalSubscription[] subscriptions;
        lock (_lock)
        {
            subscriptions = [.. _subscriptions.Values.OrderBy(subscription => subscription.Number)];
            _subscriptions.Clear();
        }

        foreach (LocalSubscription subscription in subscriptions)
        {
            if (subscription.Service is { } service)
            {
                await service.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task AttachAsync(LocalSubscription subscription, SubscribeFrame frame)
    {
        try
        {
            var options = new SubscribeOptions
            {
                Service = frame.Service,
                Role = frame.Role,
                WantsForward = frame.WantsForward,
            };
            IKbrService service = await _host.SubscribeAsync(options, subscription, _sessionEnded)
                .ConfigureAwait(false);
            subscription.Attach(service);
            if (Find(frame.Subscription) == subscription)
            {
                _session.Send(new SubscribedFrame(frame.Call, service.Neighbours));
            }
            else
            {
                await service.DisposeAsync().ConfigureAwait(false);
                _session.SendLast(new RefusedFrame(
                    frame.Call,
                    RefusalCode.Subscription,
                    $"Subscription {frame.Subscription} was given up before it began."));
            }
        }
        catch (Exception exception) when (exception is KbrException or OperationCanceledException)
        {
            Remove(subscription);
            _session.SendLast(new RefusedFrame(frame.Call, RefusalCode.Node, exception.Message));
        }
    }

    private async Task DetachAsync(LocalSubscription subscription, long call)
    {
        if (subscription.Service is { } service)
        {
            await service.DisposeAsync().ConfigureAwait(false);
        }

        _session.SendLast(new UnsubscribedFrame(call));
    }

    private void Remove(LocalSubscription subscription)
    {
        lock (_lock)
        {
            if (_subscriptions.GetValueOrDefault(subscription.Number) == subscription)
            {
                _subscriptions.Remove(subscription.Number);
            }
        }
    }
}
