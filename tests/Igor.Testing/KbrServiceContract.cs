using Igor.Kbr;

namespace Igor.Testing;

/// <summary>
/// What every implementation of <see cref="IKbrService"/> promises, whatever is behind it: a node in the same
/// process, a daemon behind a socket, a simulated node. Derived in the tests of each. This part: getting a
/// world and members in it; the facts stand in the other parts.
/// </summary>
public abstract partial class KbrServiceContract
{
    /// <summary>The service of most facts.</summary>
    protected const string Service = "contract";

    private static readonly RequestOptions Patient = new(TimeSpan.FromSeconds(20));

    /// <summary>Makes a ring of so many nodes, joined and quiet.</summary>
    protected abstract Task<KbrWorld> CreateWorldAsync(int nodes);

    private static IEnumerable<Key> SomeKeys(int count, string seed = "some") =>
        Enumerable.Range(0, count).Select(i => Key.HashOf($"{seed} key {i}"));

    private static IReadOnlyList<Key> NearestFirst(IEnumerable<ContractApplication> members, Key key) =>
        [.. members.Select(member => member.Service.NodeId).Order(Comparer<Key>.Create(key.CompareNearness))];

    private static ContractApplication RootOf(IEnumerable<ContractApplication> members, Key key) =>
        members.Single(member => member.Service.NodeId == NearestFirst(members, key)[0]);

    /// <summary>A key whose root is that member, from a member's point of view somewhere else.</summary>
    private static Key KeyOwnedBy(IReadOnlyList<ContractApplication> members, ContractApplication owner) =>
        SomeKeys(10_000, "owned").First(key => RootOf(members, key) == owner);

    private static async Task<ContractApplication> AttachAsync(
        KbrWorld world,
        int node,
        ServiceRole role,
        string service = Service,
        Action<ContractApplication>? configure = null,
        bool wantsForward = false)
    {
        var application = new ContractApplication();
        configure?.Invoke(application);
        var options = new SubscribeOptions { Service = service, Role = role, WantsForward = wantsForward };
        application.Service = await world.CompleteAsync(
            world.Hosts[node].SubscribeAsync(options, application).AsTask(),
            $"node {node} attaches to {service}");
        return application;
    }

    /// <summary>Members on some nodes (all when none are named), who know one another.</summary>
    private static async Task<IReadOnlyList<ContractApplication>> AttachMembersAsync(
        KbrWorld world, IEnumerable<int>? nodes = null, bool wantsForward = false, string service = Service)
    {
        var members = new List<ContractApplication>();
        foreach (int node in nodes ?? Enumerable.Range(0, world.Hosts.Count))
        {
            members.Add(await AttachAsync(
                world, node, ServiceRole.Member, service, configure: null, wantsForward: wantsForward));
        }

        await WaitForRingAsync(world, members);
        return members;
    }

    private static Task WaitForRingAsync(KbrWorld world, IReadOnlyList<ContractApplication> members) =>
        world.WaitUntilAsync(
            () => members.All(member => Knows(member, members)), $"{members.Count} members know one another");

    private static bool Knows(ContractApplication member, IEnumerable<ContractApplication> members)
    {
        NeighbourSet neighbours = member.Service.Neighbours;
        return neighbours.IsMember && neighbours.Others.ToHashSet().SetEquals(
            members.Where(other => other != member).Select(other => other.Service.NodeId));
    }

    private static async Task<KbrReply> RequestAsync(
        KbrWorld world,
        ContractApplication from,
        Key destination,
        byte[] payload,
        RequestOptions? options = null) =>
        await world.CompleteAsync(
            from.Service.RequestAsync(destination, payload, options ?? Patient), "a request ends");
}
