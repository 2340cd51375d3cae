using Igor.Kbr;

namespace Igor.Testing;

/// <summary>Applications that fail, messages that cannot be sent, requests delivered again.</summary>
/// <param name="createWorld">Makes a ring of so many nodes, joined and quiet.</param>
public abstract class KbrFailuresContract(Func<int, Task<KbrWorld>> createWorld)
    : KbrServiceContract(createWorld)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Deliver_that_throws_answers_its_caller_at_once(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        ContractApplication root = members[^1];
        root.Handles = _ => throw new NotSupportedException("a bug of this application");
        Key key = KeyOwnedBy(members, root);
        KbrReply reply = await RequestAsync(world, members[0], key, [1]);
        Assert.Equal((KbrStatus.Failed, root.Service.NodeId), (reply.Status, reply.Responder));
        Assert.Contains(nameof(NotSupportedException), reply.Error, StringComparison.Ordinal);
        Assert.True(reply.Payload.IsEmpty);
        Assert.Single(root.Deliveries);

        members[0].Service.Route(key, new byte[] { 2 });
        await world.WaitUntilAsync(() => root.Deliveries.Count == 2, "a one-way message arrives");
        root.Handles = null;
        Assert.Equal(KbrStatus.Ok, (await RequestAsync(world, members[0], key, [3])).Status);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Fail_ends_the_request_with_its_error(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        ContractApplication root = members[^1];
        Key key = KeyOwnedBy(members, root);
        root.Handles = delivery => delivery.Service.Fail(delivery.Token, "no such thing: \u00fc");
        KbrReply reply = await RequestAsync(world, members[0], key, [1]);
        Assert.Equal(
            (KbrStatus.Failed, root.Service.NodeId, "no such thing: \u00fc"),
            (reply.Status, reply.Responder, reply.Error));

        root.Handles = delivery => delivery.Service.Fail(delivery.Token, new string('\u00fc', 5_000));
        reply = await RequestAsync(world, members[0], key, [2]);
        Assert.Equal(new string('\u00fc', KbrReply.ErrorLengthMax), reply.Error);

        root.Handles = delivery =>
        {
            delivery.Service.Reply(delivery.Token, new byte[] { 9 });
            delivery.Service.Fail(delivery.Token, "too late: it is answered");
        };
        reply = await RequestAsync(world, members[0], key, [3]);
        Assert.Equal((KbrStatus.Ok, null), (reply.Status, reply.Error));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Temporary_failure_is_asked_again_under_the_same_request_id(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        ContractApplication root = members[^1];
        int left = 2;
        root.Handles = delivery =>
        {
            if (left-- > 0)
            {
                delivery.Service.Fail(delivery.Token, "busy", isTemporary: true);
            }
            else
            {
                delivery.Service.Reply(delivery.Token, delivery.Payload);
            }
        };
        KbrReply reply = await RequestAsync(world, members[0], KeyOwnedBy(members, root), [1]);
        Assert.Equal(KbrStatus.Ok, reply.Status);
        Assert.Equal(3, root.Deliveries.Count);
        KbrRequestId id = Assert.Single(root.Deliveries.Select(one => one.RequestId).Distinct());
        Assert.Equal(members[0].Service.NodeId, id.Origin);
    }

    [Fact]
    public async Task Request_that_is_not_answered_is_delivered_once_however_long_it_waits()
    {
        await using KbrWorld world = await CreateWorldAsync(2);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        ContractApplication root = members[^1];
        root.Answers = false;
        var options = new RequestOptions(TimeSpan.FromSeconds(3));
        KbrReply reply =
            await RequestAsync(world, members[0], KeyOwnedBy(members, root), [1], options);
        Assert.Equal(KbrStatus.Timeout, reply.Status);
        Assert.Single(root.Deliveries);
    }

    [Fact]
    public async Task Failure_that_stays_temporary_ends_as_Overloaded()
    {
        await using KbrWorld world = await CreateWorldAsync(2);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        members[1].Handles = delivery => delivery.Service.Fail(delivery.Token, "busy", isTemporary: true);
        KbrReply reply = await RequestAsync(
            world,
            members[0],
            KeyOwnedBy(members, members[1]),
            [1],
            new RequestOptions(TimeSpan.FromSeconds(1)));
        Assert.Equal(KbrStatus.Overloaded, reply.Status);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Requests_have_different_ids_and_messages_none(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        foreach (ContractApplication origin in members)
        {
            foreach (Key key in SomeKeys(8))
            {
                await RequestAsync(world, origin, key, [1]);
            }
        }

        ContractApplication.Received[] requests = [.. members.SelectMany(member => member.Deliveries)];
        Assert.Equal(8 * nodes, requests.Select(one => one.RequestId).Distinct().Count());
        Assert.All(requests, one => Assert.Equal(one.Source, one.RequestId.Origin));
        members[0].Service.Route(KeyOwnedBy(members, members[^1]), new byte[] { 2 });
        await world.WaitUntilAsync(
            () => members[^1].Deliveries.Any(one => one.Payload is [2]), "the message arrives");
        Assert.Equal(
            KbrRequestId.None, members[^1].Deliveries.Single(one => one.Payload is [2]).RequestId);
    }

    [Fact]
    public async Task Upcalls_know_their_service()
    {
        await using KbrWorld world = await CreateWorldAsync(2);
        var seen = new List<(string Upcall, IKbrService Service)>();
        var members = new List<ContractApplication>();
        for (int node = 0; node < 2; node++)
        {
            members.Add(await AttachAsync(
                world,
                node,
                ServiceRole.Member,
                configure: application =>
                {
                    application.Sees = change => Note("update", change.Service);
                    application.Decides = message =>
                    {
                        Note("forward", message.Service);
                        return ForwardDecision.Continue;
                    };
                    application.Handles = delivery =>
                    {
                        Note("deliver", delivery.Service);
                        delivery.Service.Reply(delivery.Token, delivery.Payload);
                    };
                },
                wantsForward: true));
        }

        await WaitForRingAsync(world, members);
        KbrReply reply = await RequestAsync(world, members[0], KeyOwnedBy(members, members[1]), [7]);
        Assert.Equal([7], reply.Payload.ToArray());
        lock (seen)
        {
            Assert.Equal(["deliver", "forward", "update"], seen.Select(one => one.Upcall).Distinct().Order());
            Assert.All(seen, one => Assert.Contains(one.Service, members.Select(member => member.Service)));
        }

        void Note(string upcall, IKbrService service)
        {
            lock (seen)
            {
                seen.Add((upcall, service));
            }
        }
    }

    [Fact]
    public async Task Forward_update_and_callback_that_throw_stop_nothing()
    {
        await using KbrWorld world = await CreateWorldAsync(3);
        ContractApplication first = await AttachAsync(
            world,
            0,
            ServiceRole.Member,
            configure: application =>
            {
                application.Sees = _ => throw new NotSupportedException("update");
                application.Decides = _ => throw new NotSupportedException("forward");
            },
            wantsForward: true);
        ContractApplication[] members =
        [
            first,
            await AttachAsync(world, 1, ServiceRole.Member),
            await AttachAsync(world, 2, ServiceRole.Member),
        ];
        await WaitForRingAsync(world, members);
        Key key = KeyOwnedBy(members, members[1]);
        bool isCalled = false;
        first.Service.Request(key, new byte[] { 1 }, Patient, _ =>
        {
            Volatile.Write(ref isCalled, true);
            throw new NotSupportedException("callback");
        });
        await world.WaitUntilAsync(() => Volatile.Read(ref isCalled), "the request ends");
        KbrReply reply = await RequestAsync(world, first, key, [2]);
        Assert.Equal((KbrStatus.Ok, members[1].Service.NodeId), (reply.Status, reply.Responder));
        Assert.Equal(2, first.Forwards.Count);
    }

    [Fact]
    public async Task Member_that_leaves_hands_on_what_it_has_not_answered()
    {
        await using KbrWorld world = await CreateWorldAsync(3);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        members[2].Answers = false;
        Key key = KeyOwnedBy(members, members[2]);
        Task<KbrReply> open = members[0].Service.RequestAsync(key, new byte[] { 5 }, Patient);
        await world.WaitUntilAsync(() => members[2].Deliveries.Count > 0, "the request arrives");
        await world.CompleteAsync(members[2].Service.DisposeAsync().AsTask(), "the member leaves");
        KbrReply reply = await world.CompleteAsync(open, "the request ends");
        ContractApplication next = RootOf([members[0], members[1]], key);
        Assert.Equal((KbrStatus.Ok, next.Service.NodeId), (reply.Status, reply.Responder));
        Assert.Equal(members[2].Deliveries[0].RequestId, Assert.Single(next.Deliveries).RequestId);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Route_says_why_it_cannot_be_sent(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        ContractApplication client = await AttachAsync(world, 0, ServiceRole.Client);
        Assert.Equal(KbrStatus.Unreachable, client.Service.Route(Key.Zero, new byte[1]));
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        await world.WaitUntilAsync(
            () => client.Service.Neighbours.IsMember, "the client knows that the node is a member");
        Assert.Equal(KbrStatus.Ok, client.Service.Route(Key.Zero, new byte[1]));
        Assert.Equal(
            KbrStatus.TooLarge, client.Service.Route(Key.Zero, new byte[world.PayloadBytesMax + 1]));
        await world.CompleteAsync(client.Service.DisposeAsync().AsTask(), "the client detaches");
        Assert.Equal(KbrStatus.Closed, client.Service.Route(Key.Zero, new byte[1]));
        await world.WaitUntilAsync(
            () => members.Sum(member => member.Deliveries.Count) == 1, "the one message arrives");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Answer_that_is_too_large_fails_the_request(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        int most = world.PayloadBytesMax;
        members[^1].Handles = delivery => delivery.Service.Reply(delivery.Token, new byte[most + 1]);
        KbrReply reply = await RequestAsync(world, members[0], KeyOwnedBy(members, members[^1]), [1]);
        Assert.Equal(KbrStatus.Failed, reply.Status);
        Assert.Contains($"{most + 1} bytes", reply.Error, StringComparison.Ordinal);
    }
}
