using System.Collections.Immutable;
using Igor.Kbr;
using Igor.Kbr.Wire;

namespace Igor.Node.Applications;

/// <summary>
/// The applications attached to a node: any number of clients and at most one member for each service. Used
/// on the strand only.
/// </summary>
internal sealed class ServiceTable
{
    // Peers disconnect a node that announces more, and the ring itself is one of them.
    private const int MembersMax = WireLimits.ServicesMax - 1;

    private readonly Dictionary<ServiceId, ImmutableArray<LocalService>> _attached = [];

    /// <summary>All handles.</summary>
    public IEnumerable<LocalService> All => _attached.Values.SelectMany(attached => attached);

    /// <summary>The services that somebody is attached to, one handle of each, by name.</summary>
    public IEnumerable<LocalService> Services =>
        _attached.Values.Select(attached => attached[0])
            .OrderBy(service => service.Name, StringComparer.Ordinal);

    /// <summary>The handles of a service.</summary>
    public ImmutableArray<LocalService> Of(ServiceId service) =>
        _attached.TryGetValue(service, out ImmutableArray<LocalService> attached) ? attached : [];

    /// <summary>The member application of a service, or null.</summary>
    public LocalService? MemberOf(ServiceId service)
    {
        foreach (LocalService attached in Of(service))
        {
            if (attached.Role == ServiceRole.Member)
            {
                return attached;
            }
        }

        return null;
    }

    /// <summary>The application that decides about messages that pass through, or null.</summary>
    public LocalService? ForwarderOf(ServiceId service)
    {
        foreach (LocalService attached in Of(service))
        {
            if (attached.Options.WantsForward)
            {
                return attached;
            }
        }

        return null;
    }

    /// <summary>Adds a handle.</summary>
    /// <exception cref="KbrException">
    /// The service has a member already, too many services have one, or another service has the same id.
    /// </exception>
    public void Add(LocalService service)
    {
        if (service.Role == ServiceRole.Member)
        {
            CheckMember(service);
        }

        ImmutableArray<LocalService> attached = Of(service.Id);
        if (attached.Length > 0 && attached[0].Name != service.Name)
        {
            throw new KbrException(
                $"The service names '{service.Name}' and '{attached[0].Name}' have the same id. "
                + "Choose another name.");
        }

        _attached[service.Id] = attached.Add(service);
    }

    /// <summary>Removes a handle.</summary>
    public void Remove(LocalService service)
    {
        ImmutableArray<LocalService> rest = Of(service.Id).Remove(service);
        if (rest.Length == 0)
        {
            _attached.Remove(service.Id);
        }
        else
        {
            _attached[service.Id] = rest;
        }
    }

    private void CheckMember(LocalService service)
    {
        if (MemberOf(service.Id) is not null)
        {
            throw new KbrException(
                $"A member of the service '{service.Name}' (of 'dht': a storage node) runs on this node "
                + "already. Use that one as a client, through the socket of this node; a second one needs "
                + "another node: another --socket PATH, or its own --data DIR without --socket.");
        }

        if (_attached.Keys.Count(id => MemberOf(id) is not null) >= MembersMax)
        {
            throw new KbrException(
                $"A node can be a member of {MembersMax} services. Detach from another, or attach to "
                + $"'{service.Name}' as a client.");
        }
    }
}
