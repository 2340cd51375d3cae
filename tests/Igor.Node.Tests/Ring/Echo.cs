using System.Collections.Concurrent;
using Igor.Kbr;

namespace Igor.Node.Tests;

/// <summary>An application that answers with what it was sent, and notes how its neighbours change.</summary>
internal sealed class Echo : IKbrApplication
{
    public IKbrService Service { get; private set; } = null!;

    public ConcurrentQueue<NeighbourChange> Changes { get; } = new();

    /// <summary>What is done with a delivery instead of answering it.</summary>
    public Action<KbrDelivery>? Instead { get; set; }

    public static async Task<Echo> OnAsync(
        IgorNode node, ServiceRole role = ServiceRole.Member, string service = "echo")
    {
        var echo = new Echo();
        echo.Service = await node.SubscribeAsync(
            new SubscribeOptions { Service = service, Role = role }, echo);
        return echo;
    }

    public void Deliver(in KbrDelivery delivery)
    {
        if (Instead is { } instead)
        {
            instead(delivery);
        }
        else
        {
            Service.Reply(delivery.Token, delivery.Payload);
        }
    }

    public void Update(NeighbourChange change) => Changes.Enqueue(change);

    public Task<KbrReply> Ask(Key key, double seconds = 20, byte[]? payload = null) =>
        Service.RequestAsync(
            key, payload ?? "hello"u8.ToArray(), new RequestOptions(TimeSpan.FromSeconds(seconds)));
}
