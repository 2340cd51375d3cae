using System.Collections.Immutable;

namespace Igor.Kbr.Hosting;

/// <summary>The applications attached to one service: any number of clients and at most one member.</summary>
/// <typeparam name="TService">The host's handles.</typeparam>
/// <param name="Member">The member, if there is one.</param>
/// <param name="All">All handles, in the order in which they attached.</param>
internal sealed record ServiceAttachments<TService>(TService? Member, ImmutableArray<TService> All)
    where TService : AttachedService
{
    /// <summary>Nobody.</summary>
    public static ServiceAttachments<TService> None { get; } = new(null, []);

    /// <summary>With another handle.</summary>
    public ServiceAttachments<TService> With(TService service) =>
        new(service.Role == ServiceRole.Member ? service : Member, All.Add(service));

    /// <summary>Without a handle.</summary>
    public ServiceAttachments<TService> Without(TService service) =>
        new(Member == service ? null : Member, All.Remove(service));
}
