using Igor.Kbr;
using Igor.Simulation.Engine;

namespace Igor.Simulation.Network;

/// <summary>An application's side of a service on a simulated node.</summary>
internal sealed class SimulatedService : IKbrService, IOwnAwaits
{
    private readonly SimulatedApplications _table;

    public SimulatedService(
        SimulatedApplications table, SubscribeOptions options, IKbrApplication application)
    {
        _table = table;
        Name = options.Service;
        Id = ServiceId.FromName(options.Service);
        Role = options.Role;
        Application = application;
    }

    public string Name { get; }

    public ServiceId Id { get; }

    public ServiceRole Role { get; }

    public IKbrApplication Application { get; }

    public Key NodeId => _table.Process.Overlay.Id;

    public NeighbourSet Neighbours
    {
        get
        {
            Engine.CheckThread();
            return _table.Process.Overlay.Neighbours(Id);
        }
    }

    private SimulationEngine Engine => _table.Process.Engine;

    public KbrStatus Route(Key destination, ReadOnlyMemory<byte> payload, RouteOptions options = default)
    {
        Engine.CheckThread();
        if (!_table.Contains(this))
        {
            return KbrStatus.Closed;
        }

        if (payload.Length > _table.Process.PayloadBytesMax)
        {
            return KbrStatus.TooLarge;
        }

        NeighbourSet known = Neighbours;
        if (!known.IsMember && known.Count == 0)
        {
            return KbrStatus.Unreachable;
        }

        _table.Process.Enqueue(new NodeWork
        {
            Kind = NodeWorkKind.Route,
            Service = Id,
            Destination = destination,
            Exact = options.Exact,
        }.With(payload.Span));
        return KbrStatus.Ok;
    }

    public void Request(
        Key destination, ReadOnlyMemory<byte> payload, RequestOptions options, Action<KbrReply> completed)
    {
        ArgumentNullException.ThrowIfNull(completed);
        Engine.CheckThread();
        if (!_table.Contains(this))
        {
            completed(KbrReply.Failed(KbrStatus.Closed));
            return;
        }

        _table.Process.Enqueue(new NodeWork
        {
            Kind = NodeWorkKind.Request,
            Service = Id,
            Destination = destination,
            Number = _table.AddPending(this, completed),
            Timeout = options.Timeout,
            Exact = options.Exact,
        }.With(payload.Span));
    }

    /// <summary>Awaits go on inside the simulation, however they were configured.</summary>
    TaskCompletionSource<KbrReply> IOwnAwaits.NewCompletion()
    {
        Engine.PrepareAwait();
        return new TaskCompletionSource<KbrReply>();
    }

    void IOwnAwaits.Complete(TaskCompletionSource<KbrReply> completion, in KbrReply reply) =>
        SimulationEngine.Complete(
            static call => call.completion.TrySetResult(call.reply), (completion, reply));

    public void Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload)
    {
        Engine.CheckThread();
        if (_table.Contains(this))
        {
            _table.Process.Enqueue(
                new NodeWork { Kind = NodeWorkKind.Reply, Number = delivery.Value }.With(payload.Span));
        }
    }

    public void Fail(DeliveryToken delivery, string error, bool isTemporary = false)
    {
        ArgumentNullException.ThrowIfNull(error);
        Engine.CheckThread();
        if (_table.Contains(this))
        {
            _table.Process.Enqueue(new NodeWork
            {
                Kind = NodeWorkKind.Fail,
                Number = delivery.Value,
                Argument = error,
                IsTemporary = isTemporary,
            });
        }
    }

    public ValueTask DisposeAsync()
    {
        Engine.CheckThread();
        _table.Unsubscribe(this);
        return ValueTask.CompletedTask;
    }
}
