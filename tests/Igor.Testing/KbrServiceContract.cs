using Igor.Kbr;

namespace Igor.Testing;

/// <summary>
/// What every implementation of <see cref="IKbrService"/> promises, whatever is behind it: a node in the same
/// process, a daemon behind a socket, a simulated node. Here: getting a world and members in it; the facts
/// stand in the classes derived from this one, which are derived again in the tests of each implementation.
/// They are several, so that they run beside one another: most of their time goes by waiting.
/// </summary>
/// <param name="createWorld">Makes a ring of so many nodes, joined and quiet.</param>
public abstract class KbrServiceContract(Func<int, Task<KbrWorld>> createWorld)
{
    /// <summary>The service of most facts.</summary>
    protected const string Service = "contract";

    /// <summary>Long enough for a busy machine.</summary>
    protected static readonly RequestOptions Patient = new(TimeSpan.FromSeconds(20));

    /// <summary>Makes a ring of so many nodes, joined and quiet.</summary>
    protected Task<KbrWorld> CreateWorldAsync(int nodes) => createWorld(nodes);

    /// <summary>Keys all over the ring.</summary>
    protected static IEnumerable<Key> SomeKeys(int count, string seed = "some") =>
        Enumerable.Range(0, count).Select(i => Key.HashOf($"{seed} key {i}"));

    /// <summary>The nodes of members, the one nearest to a key first.</summary>
    protected static IReadOnlyList<Key> NearestFirst(IEnumerable<ContractApplication> members, Key key) =>
        [.. members.Select(member => member.Service.NodeId).Order(Comparer<Key>.Create(key.CompareNearness))];

    /// <summary>The member whose key that is.</summary>
    protected static ContractApplication RootOf(IEnumerable<ContractApplication> members, Key key) =>
        members.Single(member => member.Service.NodeId == NearestFirst(members, key)[0]);

    /// <summary>A key whose root is that member, from a member's point of view somewhere else.</summary>
    protected static Key KeyOwnedBy(IReadOnlyList<ContractApplication> members, ContractApplication owner) =>
        SomeKeys(10_000, "owned").First(key => RootOf(members, key) == owner);

    /// <summary>An application on a node.</summary>
    protected static async Task<ContractApplication> AttachAsync(
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
    protected static async Task<IReadOnlyList<ContractApplication>> AttachMembersAsync(
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

    /// <summary>Waits until members know one another.</summary>
    protected static Task WaitForRingAsync(KbrWorld world, IReadOnlyList<ContractApplication> members) =>
        world.WaitUntilAsync(
            () => members.All(member => Knows(member, members)), $"{members.Count} members know one another");

    protected static bool Knows(ContractApplication member, IEnumerable<ContractApplication> members)
    {
        NeighbourSet neighbours = member.Service.Neighbours;
        return neighbours.IsMember && neighbours.Others.ToHashSet().SetEquals(
            members.Where(other => other != member).Select(other => other.Service.NodeId));
    }

    /// <summary>A request, and its end.</summary>
    protected static async Task<KbrReply> RequestAsync(
        KbrWorld world,
        ContractApplication from,
        Key destination,
        byte[] payload,
        RequestOptions? options = null) =>
        await world.CompleteAsync(
            from.Service.RequestAsync(destination, payload, options ?? Patient), "a request ends");
}
