using Igor.Kbr;
using Igor.Local;
using Igor.Node.Hosting;
using Igor.Node.Memory;
using Igor.Testing;

namespace Igor.Node.Tests;

/// <summary>What a node holds for an application at its local socket while it asks for something.</summary>
public sealed class HeldForApplicationsTests
{
    private const int MiB = 1024 * 1024;

    [Fact]
    public async Task Requests_beyond_the_share_end_as_overloaded_and_all_is_returned()
    {
        await using IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions());
        Echo member = await Echo.OnAsync(node);
        var held = new List<DeliveryToken>();
        member.Instead = delivery => held.Add(delivery.Token);
        ByteAccount account = node.Bytes.Open(HolderKind.Application);
        IKbrService service = await node.SubscribeAsync(
            new SubscribeOptions { Service = "echo" }, new Charged(new ApplicationShare(account)));
        Task<KbrReply>[] asked = [.. Enumerable.Range(0, 100).Select(_ => service.RequestAsync(
            Key.Zero, new byte[MiB], new RequestOptions(TimeSpan.FromMinutes(1))))];
        int refused = asked.Count(a => a.IsCompleted && a.Result.Status == KbrStatus.Overloaded);
        Assert.InRange(refused, 70, 90);
        Assert.InRange(node.Bytes.Held(HolderKind.Application), 10 * MiB, 25 * MiB);
        Assert.Equal(refused, node.Bytes.Refused(HolderKind.Application));
        held.ForEach(token => member.Service.Reply(token, default));
        await Eventually.CompletesAsync(Task.WhenAll(asked));
        await Eventually.HoldsAsync(() => node.Bytes.Total == 0, "nothing is held");
    }

    [Fact]
    public async Task Applications_in_the_process_are_counted_and_not_refused()
    {
        await using IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions());
        Echo member = await Echo.OnAsync(node);
        var held = new List<DeliveryToken>();
        member.Instead = delivery => held.Add(delivery.Token);
        Echo client = await Echo.OnAsync(node, ServiceRole.Client);
        Task<KbrReply>[] asked =
            [.. Enumerable.Range(0, 80).Select(_ => client.Ask(Key.Zero, payload: new byte[MiB]))];
        Assert.True(node.Bytes.Total > 80 * MiB);
        Assert.False(node.Bytes.Open(HolderKind.Application).TryTake(MiB));
        held.ForEach(token => member.Service.Reply(token, default));
        await Eventually.CompletesAsync(Task.WhenAll(asked));
        await Eventually.HoldsAsync(() => node.Bytes.Total == 0, "nothing is held");
    }

    private sealed class Charged(ApplicationShare share) : IKbrApplication, ISharedApplication
    {
        public IApplicationShare Share => share;

        public void Deliver(in KbrDelivery delivery)
        {
        }

        public void Update(NeighbourChange change)
        {
        }
    }
}
