using Igor.Kbr;
using Igor.Kbr.Overlay;
using Igor.Kbr.Overlay.Machines;

namespace Igor.Simulation.Network;

/// <summary>
/// The applications of a process, their pending requests, and the work that passes between them and the node.
/// </summary>
internal sealed class SimulatedApplications(NodeProcess process)
{
    private readonly List<SimulatedService> _services = [];
    private readonly SortedDictionary<long, (SimulatedService Service, Action<KbrReply> Completed)>
        _pending = [];
    private long _lastRequest;

    public IReadOnlyList<SimulatedService> All => _services;

    public int PendingRequests => _pending.Count;

    public NodeProcess Process => process;

    public SimulatedService Subscribe(SubscribeOptions options, IKbrApplication application)
    {
        if (!process.IsAlive)
        {
            throw new KbrException($"{process.Node} is not running.");
        }

        if (!ServiceId.IsValidName(options.Service))
        {
            throw new KbrException($"A service name has {ServiceId.NameRule}.");
        }

        var service = new SimulatedService(this, options, application);
        if (options.Role == ServiceRole.Member && FindMember(service.Id) is not null)
        {
            throw new KbrException($"Service '{options.Service}' already has a member on this node.");
        }

        _services.Add(service);
        process.Node.NoteMembership();
        process.Enqueue(new NodeWork { Kind = NodeWorkKind.Subscribe, Argument = options });
        return service;
    }

    public void Unsubscribe(SimulatedService service)
    {
        if (!_services.Remove(service))
        {
            return;
        }

        process.Node.NoteMembership();
        EndPending(service);
        if (process.IsAlive)
        {
            process.Enqueue(new NodeWork
            {
                Kind = NodeWorkKind.Unsubscribe,
                Service = service.Id,
                Argument = service.Role,
            });
        }
    }

    public bool Contains(SimulatedService service) => process.IsAlive && _services.Contains(service);

    public long AddPending(SimulatedService service, Action<KbrReply> completed)
    {
        _pending.Add(++_lastRequest, (service, completed));
        return _lastRequest;
    }

    /// <summary>Ends all requests: their node is closing.</summary>
    public void CloseAll()
    {
        foreach (SimulatedService service in _services)
        {
            EndPending(service);
        }

        _services.Clear();
    }

    public void Do(ref NodeWork work)
    {
        OverlayNode overlay = process.Overlay;
        switch (work.Kind)
        {
            case NodeWorkKind.Route:
                overlay.Route(
                    process.Now, work.Service, work.Destination, work.Payload, new RouteOptions(work.Exact));
                break;
            case NodeWorkKind.Request:
                overlay.Request(
                    process.Now,
                    new RequestId(work.Number),
                    work.Service,
                    work.Destination,
                    work.Payload,
                    new RequestOptions(work.Timeout, work.Exact));
                break;
            case NodeWorkKind.Reply:
                overlay.Reply(process.Now, new DeliveryToken(work.Number), work.Payload);
                break;
            case NodeWorkKind.Fail:
                overlay.Fail(
                    process.Now,
                    new DeliveryToken(work.Number),
                    (string)work.Argument!,
                    work.IsTemporary);
                break;
            case NodeWorkKind.Subscribe:
                overlay.Subscribe(process.Now, (SubscribeOptions)work.Argument!);
                break;
            case NodeWorkKind.Unsubscribe:
                overlay.Unsubscribe(process.Now, work.Service, (ServiceRole)work.Argument!);
                break;
            case NodeWorkKind.ResumeForward:
                overlay.ResumeForward(process.Now, work.Number, (ForwardDecision)work.Argument!);
                break;
            default:
                Upcall(ref work);
                break;
        }
    }

    private void EndPending(SimulatedService service)
    {
        long[] numbers = _pending
            .Where(pair => pair.Value.Service == service)
            .Select(pair => pair.Key)
            .ToArray();
        foreach (long number in numbers)
        {
            if (_pending.Remove(number, out var pending))
            {
                pending.Completed(KbrReply.Failed(KbrStatus.Closed));
            }
        }
    }

    private void Upcall(ref NodeWork work)
    {
        switch (work.Kind)
        {
            case NodeWorkKind.Deliver:
                Deliver(work);
                break;
            case NodeWorkKind.AskForward:
                AskForward(work);
                break;
            case NodeWorkKind.Complete:
                if (_pending.Remove(work.Number, out var pending))
                {
                    Call(
                        pending.Service,
                        "the callback of a request",
                        static call => call.Completed(call.reply),
                        (pending.Completed, reply: new KbrReply(work.Status, work.Peer, work.Payload)
                        {
                            Error = (string?)work.Argument,
                        }));
                }

                break;
            default:
                Update(work.Service, (NeighbourChange)work.Argument!);
                break;
        }
    }

    private void Deliver(in NodeWork work)
    {
        if (FindMember(work.Service) is not { } member)
        {
            return; // it detaches, and with it its deliveries
        }

        var token = new DeliveryToken(work.Number);
        var delivery = new KbrDelivery(work.Destination, work.Peer, token, work.Payload)
        {
            Service = member,
            IsSourceProven = work.IsSourceProven,
            RequestId = work.RequestId,
        };
        Exception? problem = Call(
            member,
            nameof(IKbrApplication.Deliver),
            static call => call.member.Application.Deliver(call.delivery),
            (member, delivery));
        if (problem is not null && token.ExpectsReply)
        {
            member.Fail(token, $"the application threw {problem.GetType().Name}");
        }
    }

    private void AskForward(in NodeWork work)
    {
        long parked = work.Number;
        if (FindMember(work.Service) is not { } member)
        {
            Resume(parked, ForwardDecision.Continue);
            return;
        }

        var message = new KbrForward(work.Destination, work.Peer, work.NextHop, work.Payload)
        {
            Service = member,
        };
        Exception? problem = Call(
            member,
            nameof(IKbrApplication.Forward),
            call =>
            {
                if (member.Application is IKbrDeferringApplication later)
                {
                    later.ForwardLater(call, decision => Resume(parked, decision));
                }
                else
                {
                    Resume(parked, member.Application.Forward(call));
                }
            },
            message);
        if (problem is not null)
        {
            Resume(parked, ForwardDecision.Continue);
        }
    }

    /// <summary>Runs the application's code; what it throws is reported, and returned.</summary>
    private Exception? Call<T>(SimulatedService service, string upcall, Action<T> call, T argument)
    {
        try
        {
            call(argument);
            return null;
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            process.ReportFailure(service.Name, upcall, problem);
            return problem;
        }
    }

    private void Resume(long parked, ForwardDecision decision)
    {
        if (process.IsAlive)
        {
            process.Enqueue(new NodeWork
            {
                Kind = NodeWorkKind.ResumeForward,
                Number = parked,
                Argument = decision,
            });
        }
    }

    private void Update(ServiceId id, NeighbourChange change)
    {
        foreach (SimulatedService service in _services.ToArray())
        {
            if (service.Id == id)
            {
                Call(
                    service,
                    nameof(IKbrApplication.Update),
                    static call => call.service.Application.Update(call.told),
                    (service, told: change with { Service = service }));
            }
        }
    }

    private SimulatedService? FindMember(ServiceId id)
    {
        foreach (SimulatedService service in _services)
        {
            if (service.Id == id && service.Role == ServiceRole.Member)
            {
                return service;
            }
        }

        return null;
    }
}
