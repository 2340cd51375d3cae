using Igor.Kbr;

namespace Igor.Testing;

/// <summary>Roles, isolation of services, and the end of an attachment.</summary>
/// <param name="createWorld">Makes a ring of so many nodes, joined and quiet.</param>
public abstract class KbrAttachingContract(Func<int, Task<KbrWorld>> createWorld)
    : KbrServiceContract(createWorld)
{
    [Fact]
    public async Task Client_beside_a_member_routes_and_holds_no_keys()
    {
        await using KbrWorld world = await CreateWorldAsync(3);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        ContractApplication client = await AttachAsync(world, 0, ServiceRole.Client);
        Assert.Equal(ServiceRole.Client, client.Service.Role);
        await CheckClientAsync(world, client, members);
    }

    [Fact]
    public async Task Client_on_a_node_without_the_service_routes_through_members()
    {
        await using KbrWorld world = await CreateWorldAsync(3);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world, [1, 2]);
        ContractApplication client = await AttachAsync(world, 0, ServiceRole.Client);
        await CheckClientAsync(world, client, members);
        Assert.False(client.Service.Neighbours.IsMember);
        Assert.DoesNotContain(
            client.Service.NodeId, members.SelectMany(member => member.Service.Neighbours.Others));
    }

    [Fact]
    public async Task Service_sees_nothing_of_another_service()
    {
        await using KbrWorld world = await CreateWorldAsync(3);
        ContractApplication outsider = await AttachAsync(world, 0, ServiceRole.Member, "another service");
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world, [1, 2]);
        foreach (Key key in SomeKeys(16).Append(outsider.Service.NodeId))
        {
            KbrReply reply = await RequestAsync(world, members[0], key, [1]);
            Key root = RootOf(members, key).Service.NodeId;
            Assert.Equal((KbrStatus.Ok, root), (reply.Status, reply.Responder));
            members[1].Service.Route(key, new byte[] { 2 });
        }

        await world.WaitUntilAsync(
            () => members.Sum(member => member.Deliveries.Count) >= 34, "all messages arrive at members");
        Assert.Empty(outsider.Deliveries);
        Assert.Empty(outsider.Forwards);
        Assert.Empty(outsider.Service.Neighbours.Others);
    }

    [Fact]
    public async Task Two_services_of_one_node_are_apart()
    {
        await using KbrWorld world = await CreateWorldAsync(2);
        IReadOnlyList<ContractApplication> ours = await AttachMembersAsync(world, service: "ours");
        IReadOnlyList<ContractApplication> theirs = await AttachMembersAsync(world, service: "theirs");
        foreach (Key key in SomeKeys(8))
        {
            Assert.Equal(KbrStatus.Ok, (await RequestAsync(world, ours[0], key, [1])).Status);
        }

        Assert.Equal(8, ours.Sum(member => member.Deliveries.Count));
        Assert.All(theirs, member => Assert.Empty(member.Deliveries));
    }

    [Fact]
    public async Task Second_member_of_a_service_on_a_node_is_refused()
    {
        await using KbrWorld world = await CreateWorldAsync(1);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        KbrException refusal = await Assert.ThrowsAsync<KbrException>(
            () => AttachAsync(world, 0, ServiceRole.Member));
        Assert.Contains(Service, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(KbrStatus.Ok, (await RequestAsync(world, members[0], Key.Zero, [1])).Status);

        await world.CompleteAsync(members[0].Service.DisposeAsync().AsTask(), "the first leaves");
        ContractApplication next = await AttachAsync(world, 0, ServiceRole.Member);
        await WaitForRingAsync(world, [next]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a name of more than sixty-four characters, which is longer than any may be")]
    public async Task Service_name_that_is_not_valid_is_refused(string name)
    {
        await using KbrWorld world = await CreateWorldAsync(1);
        await Assert.ThrowsAsync<KbrException>(() => AttachAsync(world, 0, ServiceRole.Client, name));
    }

    [Fact]
    public async Task Disposed_service_ends_its_requests_with_Closed()
    {
        await using KbrWorld world = await CreateWorldAsync(2);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        members[1].Answers = false;
        Key key = KeyOwnedBy(members, members[1]);
        Task<KbrReply> open = members[0].Service.RequestAsync(key, new byte[1], Patient);
        await world.WaitUntilAsync(() => members[1].Deliveries.Count > 0, "the request arrives");

        await world.CompleteAsync(members[0].Service.DisposeAsync().AsTask(), "the service is disposed");
        Assert.Equal(KbrStatus.Closed, (await world.CompleteAsync(open, "the open request ends")).Status);
        Assert.Equal(KbrStatus.Closed, (await RequestAsync(world, members[0], key, [1])).Status);
        members[0].Service.Route(key, new byte[1]); // goes nowhere, and does not throw
        await world.CompleteAsync(members[0].Service.DisposeAsync().AsTask(), "disposing again does nothing");
    }

    [Fact]
    public async Task Status_names_the_node_and_its_services()
    {
        await using KbrWorld world = await CreateWorldAsync(2);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        HostStatus status = await world.CompleteAsync(
            world.Hosts[0].GetStatusAsync().AsTask(), "the status comes");
        Assert.Equal(members[0].Service.NodeId, status.NodeId);
        Assert.Equal(world.Hosts[0].NodeId, status.NodeId);
        Assert.True(status.IsJoined);
        Assert.Contains(status.Peers, peer => peer.Id == members[1].Service.NodeId);
        ServiceStatus service = Assert.Single(status.Services, service => service.Name == Service);
        Assert.Equal([members[1].Service.NodeId], service.Neighbours.Others);
    }

    private static async Task CheckClientAsync(
        KbrWorld world, ContractApplication client, IReadOnlyList<ContractApplication> members)
    {
        foreach (Key key in SomeKeys(16).Append(client.Service.NodeId))
        {
            KbrReply reply = await RequestAsync(world, client, key, [1]);
            Key root = RootOf(members, key).Service.NodeId;
            Assert.Equal((KbrStatus.Ok, root), (reply.Status, reply.Responder));
        }

        Assert.Empty(client.Deliveries);
        Assert.All(
            members, member => Assert.All(
                member.Deliveries, delivery => Assert.Equal(client.Service.NodeId, delivery.Source)));
    }
}
