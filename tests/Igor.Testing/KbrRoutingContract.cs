using System.Collections.Concurrent;
using System.Text;
using Igor.Kbr;

namespace Igor.Testing;

/// <summary>Where messages go, and how requests end.</summary>
/// <param name="createWorld">Makes a ring of so many nodes, joined and quiet.</param>
public abstract class KbrRoutingContract(Func<int, Task<KbrWorld>> createWorld)
    : KbrServiceContract(createWorld)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Route_to_a_key_is_delivered_once_at_its_root(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        Key[] keys = [.. SomeKeys(16)];
        foreach (ContractApplication origin in members)
        {
            foreach (Key key in keys)
            {
                origin.Service.Route(key, Encoding.UTF8.GetBytes($"to {key}"));
            }
        }

        await world.WaitUntilAsync(
            () => members.Sum(member => member.Deliveries.Count) >= keys.Length * nodes,
            "all messages arrive");
        foreach (Key key in keys)
        {
            ContractApplication.Received[] received =
                [.. RootOf(members, key).Deliveries.Where(delivery => delivery.Destination == key)];
            Assert.Equal(
                members.Select(member => member.Service.NodeId).Order(),
                received.Select(one => one.Source).Order());
            Assert.All(received, one => Assert.Equal($"to {key}", Encoding.UTF8.GetString(one.Payload)));
            Assert.All(received, one => Assert.False(one.Token.ExpectsReply));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Request_is_answered_by_the_root_of_its_key(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        foreach (ContractApplication origin in members)
        {
            foreach (Key key in SomeKeys(8))
            {
                KbrReply reply = await RequestAsync(world, origin, key, key.ToBytes());
                Assert.Equal(KbrStatus.Ok, reply.Status);
                Assert.Equal(RootOf(members, key).Service.NodeId, reply.Responder);
                Assert.Equal(key.ToBytes(), reply.Payload.ToArray());
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Payload_of_several_requests_is_held_for_as_long_as_it_is_needed(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        PooledPayload question = PooledPayload.Of([1, 2, 3]);
        var answers = new ConcurrentQueue<PooledPayload>();
        foreach (ContractApplication member in members)
        {
            member.Handles = delivery =>
            {
                PooledPayload answer = PooledPayload.Of([.. delivery.Payload.Span, 4]);
                answers.Enqueue(answer);
                member.Service.ReplyPooled(delivery.Token, answer);
                answer.Release();
            };
        }

        var ends = new ConcurrentQueue<byte[]>();
        foreach (Key key in SomeKeys(8))
        {
            members[0].Service.RequestPooled(
                key, question, Patient, reply => ends.Enqueue(reply.Payload.ToArray()));
        }

        question.Release();
        await world.WaitUntilAsync(() => ends.Count == 8, "all requests end");
        Assert.All(ends, answer => Assert.Equal([1, 2, 3, 4], answer));
        await world.WaitUntilAsync(
            () => answers.Append(question).All(IsGone), "nobody holds a payload any more");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Exact_request_reaches_the_node_of_that_id(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        foreach (ContractApplication target in members)
        {
            KbrReply reply = await RequestAsync(
                world, members[0], target.Service.NodeId, [1], Patient with { Exact = true });
            Assert.Equal((KbrStatus.Ok, target.Service.NodeId), (reply.Status, reply.Responder));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Source_of_what_a_neighbour_or_the_node_itself_sends_is_proven(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        foreach (ContractApplication target in members)
        {
            await RequestAsync(
                world, members[0], target.Service.NodeId, [1], Patient with { Exact = true });
            ContractApplication.Received received = Assert.Single(target.Deliveries);
            Assert.Equal((members[0].Service.NodeId, true), (received.Source, received.IsSourceProven));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Exact_request_to_nobody_ends_with_NoSuchNode(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        foreach (Key key in SomeKeys(4))
        {
            KbrReply reply = await RequestAsync(world, members[0], key, [1], Patient with { Exact = true });
            Assert.Equal(KbrStatus.NoSuchNode, reply.Status);
        }

        Assert.All(members, member => Assert.Empty(member.Deliveries));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Reply_after_the_deadline_is_dropped(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        ContractApplication root = members[^1];
        Key key = KeyOwnedBy(members, root);
        root.Answers = false;
        int ends = 0;
        KbrStatus? status = null;
        var options = new RequestOptions(TimeSpan.FromSeconds(1));
        members[0].Service.Request(key, new byte[] { 1 }, options, reply =>
        {
            status = reply.Status;
            Interlocked.Increment(ref ends);
        });
        await world.WaitUntilAsync(() => Volatile.Read(ref ends) > 0, "the request ends without an answer");
        Assert.Equal(KbrStatus.Timeout, status);

        foreach (ContractApplication.Received late in root.Deliveries)
        {
            root.Service.Reply(late.Token, new byte[] { 2 });
        }

        root.Answers = true;
        KbrReply next = await RequestAsync(world, members[0], key, [3]);
        Assert.Equal([3], next.Payload.ToArray());
        Assert.Equal(1, Volatile.Read(ref ends));
    }

    [Fact]
    public async Task Reply_may_come_after_the_upcall()
    {
        await using KbrWorld world = await CreateWorldAsync(2);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        members[1].Answers = false;
        Task<KbrReply> pending = members[0].Service.RequestAsync(
            KeyOwnedBy(members, members[1]), new byte[9], Patient);
        await world.WaitUntilAsync(() => members[1].Deliveries.Count > 0, "the request arrives");
        Assert.False(pending.IsCompleted);
        members[1].Service.Reply(members[1].Deliveries[0].Token, new byte[] { 4, 5 });
        KbrReply reply = await world.CompleteAsync(pending, "the answer arrives");
        Assert.Equal([4, 5], reply.Payload.ToArray());
    }

    [Fact]
    public async Task Request_for_a_service_without_members_is_unreachable()
    {
        await using KbrWorld world = await CreateWorldAsync(2);
        ContractApplication client = await AttachAsync(world, 0, ServiceRole.Client);
        KbrReply reply = await RequestAsync(
            world, client, Key.Zero, [1], new RequestOptions(TimeSpan.FromSeconds(1)));
        Assert.Equal(KbrStatus.Unreachable, reply.Status);
    }

    [Fact]
    public async Task Large_payload_goes_there_and_back()
    {
        await using KbrWorld world = await CreateWorldAsync(2);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        byte[] payload = new byte[1024 * 1024];
        new Random(1).NextBytes(payload);
        foreach (ContractApplication root in members)
        {
            KbrReply reply = await RequestAsync(world, members[0], KeyOwnedBy(members, root), payload);
            Assert.Equal(KbrStatus.Ok, reply.Status);
            Assert.True(payload.AsSpan().SequenceEqual(reply.Payload.Span));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Too_large_payload_ends_with_TooLarge(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        KbrReply reply = await RequestAsync(
            world, members[0], KeyOwnedBy(members, members[^1]), new byte[world.PayloadBytesMax + 1]);
        Assert.Equal(KbrStatus.TooLarge, reply.Status);
        KbrReply next = await RequestAsync(world, members[0], KeyOwnedBy(members, members[^1]), [1]);
        Assert.Equal(KbrStatus.Ok, next.Status);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public async Task Many_requests_at_once_are_all_answered(int nodes)
    {
        await using KbrWorld world = await CreateWorldAsync(nodes);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        (Key Key, Task<KbrReply> Reply)[] open =
        [
            .. members.SelectMany(origin => SomeKeys(400, origin.Service.NodeId.ToString()).Select(
                key => (key, origin.Service.RequestAsync(key, key.ToBytes(), Patient)))),
        ];
        foreach ((Key key, Task<KbrReply> pending) in open)
        {
            KbrReply reply = await world.CompleteAsync(pending, "all requests end");
            Assert.Equal(KbrStatus.Ok, reply.Status);
            Assert.Equal(key, Key.Read(reply.Payload.Span));
        }
    }

    private static bool IsGone(PooledPayload payload)
    {
        try
        {
            _ = payload.Memory;
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }
}
