using Igor.Kbr.Overlay;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Hosting;

/// <summary>
/// What a host does around an <see cref="OverlayNode"/> for the applications of its process: who is attached
/// to which service, which requests are open, how long they may take, who gets which upcall, and what follows
/// when an application throws. Driven by one thread, or one after the other, as the node is; upcalls must not
/// come back into the node while it handles an input, so that the host queues what handles are asked for.
/// </summary>
/// <typeparam name="TService">The host's handles.</typeparam>
/// <param name="overlay">The node.</param>
/// <param name="host">Hears of failures and of requests that end.</param>
internal sealed class ApplicationTable<TService>(OverlayNode overlay, IApplicationHost<TService> host)
    where TService : AttachedService
{
    /// <summary>Members here, and one for the ring: peers disconnect who announces more.</summary>
    public const int MembersMax = WireLimits.ServicesMax - 1;

    // In the order in which they attached: any number of clients and at most one member.
    private readonly Dictionary<ServiceId, ImmutableArray<TService>> _attached = [];
    private readonly List<TService> _all = [];
    private readonly Dictionary<RequestId, OpenRequest> _requests = [];
    private long _lastRequest;
    private int _members;

    /// <summary>All handles, in the order in which they attached.</summary>
    public IReadOnlyList<TService> All => _all;

    public int OpenRequests => _requests.Count;

    /// <summary>The services that somebody is attached to, by name, and the neighbours there.</summary>
    public IEnumerable<ServiceStatus> Services => _attached
        .Select(service => new ServiceStatus(service.Value[0].Name, overlay.Neighbours(service.Key)))
        .OrderBy(service => service.Name, StringComparer.Ordinal);

    public TService? MemberOf(ServiceId service) =>
        Of(service).FirstOrDefault(static attached => attached.Role == ServiceRole.Member);

    public bool Runs(ServiceId service, ServiceRole role) =>
        Of(service).Any(attached => attached.Role == role);

    /// <summary>Gives an application its place; <see cref="Start"/> is to follow.</summary>
    /// <exception cref="KbrException">
    /// The service has a member already, too many services have one, or another service has the same id.
    /// </exception>
    public void Attach(TService service)
    {
        if (service.Role == ServiceRole.Member)
        {
            CheckMember(service);
        }

        ImmutableArray<TService> attached = Of(service.Id);
        if (!attached.IsEmpty && attached[0].Name != service.Name)
        {
            throw new KbrException(
                $"The service names '{service.Name}' and '{attached[0].Name}' have the same id. "
                + "Choose another name.");
        }

        _attached[service.Id] = attached.Add(service);
        _all.Add(service);
        _members += service.Role == ServiceRole.Member ? 1 : 0;
    }

    /// <summary>The node subscribes for an application that attached.</summary>
    public void Start(TimeSpan now, TService service)
    {
        overlay.Subscribe(now, service.Options);
        service.Show(overlay.Neighbours(service.Id));
    }

    /// <summary>Takes an application's place and ends its requests; then comes Stop.</summary>
    /// <returns>False when it had none.</returns>
    public bool Detach(TService service)
    {
        if (!_all.Remove(service))
        {
            return false;
        }

        ImmutableArray<TService> rest = Of(service.Id).Remove(service);
        if (rest.IsEmpty)
        {
            _attached.Remove(service.Id);
        }
        else
        {
            _attached[service.Id] = rest;
        }

        _members -= service.Role == ServiceRole.Member ? 1 : 0;
        service.Close();
        foreach ((RequestId name, _) in
            _requests.Where(open => open.Value.Service == service).OrderBy(open => open.Key.Value).ToArray())
        {
            Complete(name, KbrReply.Failed(KbrStatus.Closed));
        }

        return true;
    }

    /// <summary>The node unsubscribes for an application that detached.</summary>
    public void Stop(TimeSpan now, TService service) => overlay.Unsubscribe(now, service.Id, service.Role);

    public void Close()
    {
        foreach (TService service in _all.ToArray())
        {
            Detach(service);
        }
    }

    /// <summary>The process died: handles do nothing any more, and nobody hears of a request's end.</summary>
    public void Abandon() => _all.ForEach(service => service.Close());

    /// <summary>
    /// An application asks for something; its callback is called once. The payload is valid during the call;
    /// the host holds so many bytes for the request until it ends.
    /// </summary>
    public void Request(
        TimeSpan now,
        TService service,
        Key destination,
        ReadOnlyMemory<byte> payload,
        RequestOptions options,
        Action<KbrReply> completed,
        int heldBytes = 0)
    {
        var request = new OpenRequest(service, completed, heldBytes);
        if (service.IsOpen)
        {
            var name = new RequestId(++_lastRequest);
            _requests.Add(name, request);
            overlay.Request(now, name, service.Id, destination, payload, options.Bounded());
        }
        else
        {
            End(request, KbrReply.Failed(KbrStatus.Closed));
        }
    }

    /// <summary>The host has no room for a request.</summary>
    public void Refuse(TService service, Action<KbrReply> completed) => End(
        new OpenRequest(service, completed, 0),
        KbrReply.Failed(service.IsOpen ? KbrStatus.Overloaded : KbrStatus.Closed));

    public void Deliver(ServiceId service, in KbrDelivery delivery)
    {
        if (MemberOf(service) is not { } member)
        {
            return; // it is detaching, and with it its deliveries
        }

        try
        {
            member.Application.Deliver(delivery with { Service = member });
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            host.NoteFailure(member, nameof(IKbrApplication.Deliver), problem);
            if (delivery.Token.ExpectsReply)
            {
                member.Fail(delivery.Token, KbrReply.ErrorOf(problem));
            }
        }
    }

    /// <summary>Asks a member about a passing message; it decides now or later, on any thread.</summary>
    public void Forward(ServiceId service, in KbrForward message, Action<ForwardDecision> decide)
    {
        ForwardDecision decision = ForwardDecision.Continue;
        if (MemberOf(service) is { Options.WantsForward: true } member)
        {
            KbrForward shown = message with { Service = member };
            try
            {
                if (member.Application is IKbrDeferringApplication later)
                {
                    later.ForwardLater(shown, decide);
                    return;
                }

                decision = member.Application.Forward(shown);
            }
            catch (Exception problem) when (problem is not OutOfMemoryException)
            {
                host.NoteFailure(member, nameof(IKbrApplication.Forward), problem);
            }
        }

        decide(decision);
    }

    /// <summary>Tells an application that its request ended, unless it heard that before.</summary>
    public void Complete(RequestId name, in KbrReply reply)
    {
        if (_requests.Remove(name, out OpenRequest request))
        {
            End(request, reply);
        }
    }

    /// <summary>Tells all who are attached to a service of a change.</summary>
    public void Update(ServiceId service, NeighbourChange change)
    {
        foreach (TService attached in Of(service))
        {
            if (!attached.IsOpen)
            {
                continue; // another one's upcall ended it
            }

            attached.Show(change.Neighbours);
            try
            {
                attached.Application.Update(change with { Service = attached });
            }
            catch (Exception problem) when (problem is not OutOfMemoryException)
            {
                host.NoteFailure(attached, nameof(IKbrApplication.Update), problem);
            }
        }
    }

    private ImmutableArray<TService> Of(ServiceId service) => _attached.GetValueOrDefault(service, []);

    private void CheckMember(TService service)
    {
        if (MemberOf(service.Id) is not null)
        {
            throw new KbrException(
                $"A member of the service '{service.Name}' (of 'dht': a storage node) runs on this node "
                + "already. Use that one as a client, through the socket of this node; a second one needs "
                + "another node: another --socket PATH, or its own --data DIR without --socket.");
        }

        if (_members >= MembersMax)
        {
            throw new KbrException(
                $"A node can be a member of {MembersMax} services. Detach from another, or attach to "
                + $"'{service.Name}' as a client.");
        }
    }

    private void End(in OpenRequest request, in KbrReply reply)
    {
        host.NoteRequestEnded(request.Service, reply.Status, request.HeldBytes);
        try
        {
            request.Completed(reply);
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            host.NoteFailure(request.Service, "the callback of a request", problem);
        }
    }

    private readonly record struct OpenRequest(TService Service, Action<KbrReply> Completed, int HeldBytes);
}
