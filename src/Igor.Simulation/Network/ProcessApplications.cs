using Igor.Kbr;
using Igor.Kbr.Hosting;
using Igor.Kbr.Overlay;
using Igor.Kbr.Overlay.Machines;

namespace Igor.Simulation.Network;

/// <summary>
/// The applications of a process, and the work that passes between them and the node: each piece waits in the
/// process's queue, since applications may call anything from an upcall, and neither is entered twice.
/// </summary>
internal sealed class ProcessApplications : IApplicationHost<SimulatedService>
{
    private readonly ApplicationTable<SimulatedService> _table;

    public ProcessApplications(NodeProcess process, OverlayNode overlay)
    {
        Process = process;
        _table = new ApplicationTable<SimulatedService>(overlay, this);
    }

    public NodeProcess Process { get; }

    public int OpenRequests => _table.OpenRequests;

    public IEnumerable<ServiceStatus> Services => _table.Services;

    public bool Runs(ServiceId service, ServiceRole role) => _table.Runs(service, role);

    public SimulatedService Subscribe(SubscribeOptions options, IKbrApplication application)
    {
        if (!Process.IsAlive)
        {
            throw new KbrException($"{Process.Node} is not running.");
        }

        var service = new SimulatedService(this, options, application);
        _table.Attach(service);
        service.Show(Process.Overlay.Neighbours(service.Id)); // it may route before the node has subscribed
        Process.Node.NoteMembership();
        Process.Enqueue(new NodeWork { Kind = NodeWorkKind.Subscribe, Argument = service });
        return service;
    }

    public void Unsubscribe(SimulatedService service)
    {
        if (service.IsOpen && _table.Detach(service))
        {
            Process.Node.NoteMembership();
            Process.Enqueue(new NodeWork { Kind = NodeWorkKind.Unsubscribe, Argument = service });
        }
    }

    /// <summary>The node closes: what applications wait for ends.</summary>
    public void Close() => _table.Close();

    /// <summary>The process died, and its applications with it.</summary>
    public void Abandon() => _table.Abandon();

    public void Do(in NodeWork work)
    {
        OverlayNode overlay = Process.Overlay;
        TimeSpan now = Process.Now;
        switch (work.Kind)
        {
            case NodeWorkKind.Subscribe:
                _table.Start(now, (SimulatedService)work.Argument!);
                break;
            case NodeWorkKind.Unsubscribe:
                _table.Stop(now, (SimulatedService)work.Argument!);
                break;
            case NodeWorkKind.Route:
                overlay.Route(
                    now, work.Service, work.Destination, work.Payload, new RouteOptions(work.Exact));
                break;
            case NodeWorkKind.Request:
                var (asker, completed) = ((SimulatedService, Action<KbrReply>))work.Argument!;
                _table.Request(
                    now,
                    asker,
                    work.Destination,
                    work.Payload,
                    new RequestOptions(work.Timeout, work.Exact),
                    completed);
                break;
            case NodeWorkKind.Reply:
                overlay.Reply(now, new DeliveryToken(work.Number), work.Payload);
                break;
            case NodeWorkKind.Fail:
                overlay.Fail(now, new DeliveryToken(work.Number), (string)work.Argument!, work.IsTemporary);
                break;
            case NodeWorkKind.ResumeForward:
                overlay.ResumeForward(now, work.Number, (ForwardDecision)work.Argument!);
                break;
            default:
                Upcall(work);
                break;
        }
    }

    /// <summary>An application's own bug: the run fails.</summary>
    void IApplicationHost<SimulatedService>.NoteFailure(
        SimulatedService service, string upcall, Exception problem) =>
        Process.Engine.Report(
            $"The application of service '{service.Name}' on {Process.Node} threw in {upcall}: "
            + problem.Message,
            problem);

    /// <summary>A simulated host holds no account of bytes.</summary>
    void IApplicationHost<SimulatedService>.NoteRequestEnded(
        SimulatedService service, KbrStatus status, int heldBytes)
    {
    }

    private void Upcall(in NodeWork work)
    {
        switch (work.Kind)
        {
            case NodeWorkKind.Deliver:
                _table.Deliver(
                    work.Service,
                    new KbrDelivery(
                        work.Destination, work.Peer, new DeliveryToken(work.Number), work.Payload)
                    {
                        IsSourceProven = work.IsSourceProven,
                        RequestId = work.RequestId,
                    });
                break;
            case NodeWorkKind.Forward:
                long parked = work.Number;
                _table.Forward(
                    work.Service,
                    new KbrForward(work.Destination, work.Peer, work.NextHop, work.Payload),
                    decision => Resume(parked, decision));
                break;
            case NodeWorkKind.Complete:
                _table.Complete(
                    new RequestId(work.Number),
                    new KbrReply(work.Status, work.Peer, work.Payload) { Error = (string?)work.Argument });
                break;
            case NodeWorkKind.Update:
                _table.Update(work.Service, (NeighbourChange)work.Argument!);
                break;
            default:
                throw new InvalidOperationException($"A process has no work {work.Kind}.");
        }
    }

    private void Resume(long parked, ForwardDecision decision)
    {
        if (Process.IsAlive)
        {
            Process.Enqueue(new NodeWork
            {
                Kind = NodeWorkKind.ResumeForward,
                Number = parked,
                Argument = decision,
            });
        }
    }
}
