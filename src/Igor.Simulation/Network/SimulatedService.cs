using Igor.Kbr;
using Igor.Kbr.Hosting;
using Igor.Simulation.Engine;

namespace Igor.Simulation.Network;

/// <summary>An application's side of a service on a simulated node.</summary>
internal sealed class SimulatedService(
    ProcessApplications applications, SubscribeOptions options, IKbrApplication application)
    : AttachedService(applications.Process.Overlay.Id, options, application), IOwnAwaits
{
    private readonly NodeProcess _process = applications.Process;

    public override NeighbourSet Neighbours
    {
        get
        {
            _process.Engine.CheckThread();
            return base.Neighbours;
        }
    }

    public override KbrStatus Route(
        Key destination, ReadOnlyMemory<byte> payload, RouteOptions options = default)
    {
        _process.Engine.CheckThread();
        KbrStatus status = CheckRoute(payload.Length, _process.PayloadBytesMax);
        if (status == KbrStatus.Ok)
        {
            _process.Enqueue(new NodeWork
            {
                Kind = NodeWorkKind.Route,
                Service = Id,
                Destination = destination,
                Exact = options.Exact,
            }.With(payload.Span, _process.Buffers));
        }

        return status;
    }

    public override void RequestPooled(
        Key destination, PooledPayload payload, RequestOptions options, Action<KbrReply> completed)
    {
        ArgumentNullException.ThrowIfNull(completed);
        _process.Engine.CheckThread();
        if (!IsOpen)
        {
            completed(KbrReply.Failed(KbrStatus.Closed)); // there may be no process that could say so
            return;
        }

        _process.Enqueue(new NodeWork
        {
            Kind = NodeWorkKind.Request,
            Destination = destination,
            Timeout = options.Timeout,
            Exact = options.Exact,
            Argument = (this, completed),
        }.With(payload));
    }

    /// <summary>Awaits go on inside the simulation, however they were configured.</summary>
    TaskCompletionSource<KbrReply> IOwnAwaits.NewCompletion()
    {
        _process.Engine.PrepareAwait();
        return new TaskCompletionSource<KbrReply>();
    }

    void IOwnAwaits.Complete(TaskCompletionSource<KbrReply> completion, in KbrReply reply) =>
        SimulationEngine.Complete(
            static call => call.completion.TrySetResult(call.reply), (completion, reply));

    public override void ReplyPooled(DeliveryToken delivery, PooledPayload payload)
    {
        _process.Engine.CheckThread();
        if (IsOpen)
        {
            _process.Enqueue(new NodeWork
            {
                Kind = NodeWorkKind.Reply,
                Number = delivery.Value,
            }.With(payload));
        }
    }

    public override void Fail(DeliveryToken delivery, string error, bool isTemporary = false)
    {
        ArgumentNullException.ThrowIfNull(error);
        _process.Engine.CheckThread();
        if (IsOpen)
        {
            _process.Enqueue(new NodeWork
            {
                Kind = NodeWorkKind.Fail,
                Number = delivery.Value,
                Argument = error,
                IsTemporary = isTemporary,
            });
        }
    }

    public override ValueTask DisposeAsync()
    {
        _process.Engine.CheckThread();
        applications.Unsubscribe(this);
        return ValueTask.CompletedTask;
    }
}
