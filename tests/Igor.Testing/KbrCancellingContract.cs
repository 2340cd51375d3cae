using Igor.Kbr;

namespace Igor.Testing;

/// <summary>Calls that are cancelled.</summary>
/// <param name="createWorld">Makes a ring of so many nodes, joined and quiet.</param>
public abstract class KbrCancellingContract(Func<int, Task<KbrWorld>> createWorld)
    : KbrServiceContract(createWorld)
{
    private static CancellationToken Cancelled => new(canceled: true);

    [Fact]
    public async Task Call_with_a_cancelled_token_does_nothing_and_throws()
    {
        await using KbrWorld world = await CreateWorldAsync(2);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        Key key = KeyOwnedBy(members, members[1]);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => members[0].Service.RequestAsync(key, new byte[1], Patient, Cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await world.Hosts[0].GetStatusAsync(Cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await world.Hosts[0].SubscribeAsync(
                new SubscribeOptions { Service = "other", Role = ServiceRole.Member },
                new ContractApplication(),
                Cancelled));

        // Nothing was sent, and the member's place is free.
        await AttachAsync(world, 0, ServiceRole.Member, "other");
        Assert.Equal(KbrStatus.Ok, (await RequestAsync(world, members[0], key, [2])).Status);
        Assert.Equal([2], Assert.Single(members[1].Deliveries).Payload);
    }

    [Fact]
    public async Task Request_that_is_cancelled_under_way_ends_at_once_and_its_answer_is_dropped()
    {
        await using KbrWorld world = await CreateWorldAsync(2);
        IReadOnlyList<ContractApplication> members = await AttachMembersAsync(world);
        members[1].Answers = false;
        Key key = KeyOwnedBy(members, members[1]);
        using var source = new CancellationTokenSource();

        Task<KbrReply> request = members[0].Service.RequestAsync(key, new byte[1], Patient, source.Token);
        await world.WaitUntilAsync(() => members[1].Deliveries.Count == 1, "the request is delivered");
        Assert.False(request.IsCompleted);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);

        members[1].Service.Reply(members[1].Deliveries[0].Token, new byte[1]);
        members[1].Answers = true;
        Assert.Equal(KbrStatus.Ok, (await RequestAsync(world, members[0], key, [2])).Status);
    }
}
