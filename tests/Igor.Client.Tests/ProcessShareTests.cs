using Igor.Kbr;
using Igor.Local;
using Igor.Node;
using Igor.Node.Memory;
using Igor.Testing;

namespace Igor.Client.Tests;

/// <summary>What a node holds for a process at its socket.</summary>
public sealed class ProcessShareTests
{
    private const int MiB = 1024 * 1024;

    [Fact]
    public async Task Process_at_the_socket_has_one_share_for_all_its_services()
    {
        using var folder = new TemporaryFolder();
        await using IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions());
        await using LocalSocketServer server = LocalSocketServer.Start(
            node, new LocalSocketServerOptions { Path = folder.NewPath() });
        await using IgorClient client = await IgorClient.ConnectAsync(
            new IgorClientOptions { SocketPath = server.Path });
        var asked = new List<Task<KbrReply>>();
        foreach (string name in new[] { "one", "two" })
        {
            var silent = new ContractApplication { Answers = false };
            IKbrService service = await client.SubscribeAsync(
                new SubscribeOptions { Service = name, Role = ServiceRole.Member }, silent);
            asked.AddRange(Enumerable.Range(0, 40).Select(_ => service.RequestAsync(
                Key.Zero, new byte[MiB], new RequestOptions(TimeSpan.FromMinutes(1)))));
        }

        // One of two accounts would hold a third of the budget, and both together two thirds.
        await Eventually.HoldsAsync(
            () => node.Bytes.Held(HolderKind.Application) > 16 * MiB, "the node holds what it was asked");
        await Eventually.HoldsAsync(() => asked.Count(a => a.IsCompleted) > 30, "the rest is refused");
        Assert.InRange(node.Bytes.Held(HolderKind.Application), 16 * MiB, 33 * MiB);
    }
}
