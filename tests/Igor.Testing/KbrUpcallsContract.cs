using Igor.Kbr;

namespace Igor.Testing;

/// <summary>The forward and update upcalls, and what neighbour sets say.</summary>
/// <param name="createWorld">Makes a ring of so many nodes, joined and quiet.</param>
public abstract class KbrUpcallsContract(Func<int, Task<KbrWorld>> createWorld)
    : KbrServiceContract(createWorld)
{
    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Forward_that_continues_lets_the_message_pass(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world, wantsForward: true);
        Key key = KeyOwnedBy(members, members[1]);
        KbrReply reply = await RequestAsync(world, members[0], key, [7]);
        Assert.Equal((KbrStatus.Ok, members[1].Service.NodeId), (reply.Status, reply.Responder));
        Assert.Equal([7], reply.Payload.ToArray());
        ContractApplication.Received seen = Assert.Single(members[0].Forwards);
        Assert.Equal((key, members[0].Service.NodeId), (seen.Destination, seen.Source));
        Assert.Equal([7], seen.Payload);
        Assert.Empty(members[1].Forwards);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Forward_that_stops_ends_the_request(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world, wantsForward: true);
        members[0].Decides = _ => ForwardDecision.Stop;
        KbrReply reply = await RequestAsync(world, members[0], KeyOwnedBy(members, members[1]), [7]);
        Assert.Equal(KbrStatus.Stopped, reply.Status);
        Assert.Empty(members[1].Deliveries);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Forward_that_replaces_changes_the_payload(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world, wantsForward: true);
        members[0].Decides = message => ForwardDecision.Replace([.. message.Payload.Span, 8]);
        KbrReply reply = await RequestAsync(world, members[0], KeyOwnedBy(members, members[1]), [7]);
        Assert.Equal([7, 8], reply.Payload.ToArray());
    }

    [Fact]
    public async Task Forward_is_not_asked_of_those_who_do_not_want_it()
    {
        await using KbrWorld world = await CreateWorldAsync(2);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        KbrReply reply = await RequestAsync(world, members[0], KeyOwnedBy(members, members[1]), [7]);
        Assert.Equal(KbrStatus.Ok, reply.Status);
        Assert.All(members, member => Assert.Empty(member.Forwards));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Update_tells_of_every_newcomer(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        ContractApplication first = await AttachAsync(world, 0, ServiceRole.Member);
        await WaitForRingAsync(world, [first]);
        var members = new List<ContractApplication> { first };
        for (int node = 1; node < nodes; node++)
        {
            members.Add(await AttachAsync(world, node, ServiceRole.Member));
            await WaitForRingAsync(world, members);
        }

        IReadOnlyList<NeighbourChange> updates = first.Updates;
        Assert.Equal(
            members.Skip(1).Select(member => member.Service.NodeId).Order(),
            updates.SelectMany(update => update.Joined).Distinct().Order());
        Assert.Equal(updates[^1].Neighbours.Version, first.Service.Neighbours.Version);
        Assert.Equal(updates.Select(update => update.Neighbours.Version).Order(), updates.Select(update =>
            update.Neighbours.Version));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Neighbour_set_gives_the_true_replica_sets_and_ranges(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        foreach (ContractApplication member in members)
        {
            NeighbourSet neighbours = member.Service.Neighbours;
            Arc? own = neighbours.Range(member.Service.NodeId, 1);
            Assert.NotNull(own);
            foreach (Key key in SomeKeys(32))
            {
                IReadOnlyList<Key> nearest = NearestFirst(members, key);
                Assert.Equal(nearest.Take(3), neighbours.ReplicaSet(key, 3));
                Assert.Equal(nearest[0] == member.Service.NodeId, own.Value.Contains(key));
            }
        }
    }

    [Fact]
    public async Task Member_that_leaves_the_service_hands_its_keys_to_the_others()
    {
        await using KbrWorld world = await CreateWorldAsync(3);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        Key key = KeyOwnedBy(members, members[2]);
        Key left = members[2].Service.NodeId;
        await world.CompleteAsync(members[2].Service.DisposeAsync().AsTask(), "the member leaves");
        ContractApplication[] rest = [members[0], members[1]];
        await WaitForRingAsync(world, rest);
        Assert.Contains(
            new Departure(left, DepartureReason.Left),
            members[0].Updates.SelectMany(update => update.Departed));
        KbrReply reply = await RequestAsync(world, members[0], key, [1]);
        Assert.Equal((KbrStatus.Ok, RootOf(rest, key).Service.NodeId), (reply.Status, reply.Responder));
        Assert.Empty(members[2].Deliveries);
    }

    [Fact]
    public async Task Node_that_leaves_the_ring_hands_its_keys_to_the_others()
    {
        await using KbrWorld world = await CreateWorldAsync(3);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        Key key = KeyOwnedBy(members, members[2]);
        await world.StopNodeAsync(2);
        ContractApplication[] rest = [members[0], members[1]];
        await WaitForRingAsync(world, rest);
        KbrReply reply = await RequestAsync(world, members[0], key, [1]);
        Assert.Equal((KbrStatus.Ok, RootOf(rest, key).Service.NodeId), (reply.Status, reply.Responder));
    }
}
