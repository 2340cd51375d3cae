using System.Text;
using Igor.Client;
using Igor.Dht;
using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Records;
using Igor.EndToEnd.Peers;
using Igor.EndToEnd.Processes;
using Igor.Kbr;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

/// <summary>
/// Payload of a service is never handed to a node that does not run it, not even when that node is the
/// nearest of all to the key. Each proof has a counterpart that shows that it would have noticed.
/// </summary>
public sealed class IsolationTests(ITestOutputHelper output)
{
    private const string Service = "dht";
    private const int Records = 100;

    private readonly string _mark = $"mark-{Guid.NewGuid():N}";

    [Fact]
    public Task Frames_to_a_ring_member_that_does_not_run_the_service_hold_none_of_its_payload() =>
        Ring.RunAsync(3, output, async ring =>
        {
            await using var outsider = new SpyPeer();
            foreach (NodeProcess node in ring.Nodes)
            {
                await outsider.ConnectAsync(node.Address, ring.Network, "");
            }

            await Eventually.HoldsAsync(
                () => Count(outsider, Frames.Hello) == ring.Nodes.Count, "the nodes say hello");
            await PutAndGetNearAsync(ring, outsider.NodeId);

            Assert.True(outsider.IsConnected, "the ring threw the outsider out");
            Assert.Equal(0, Count(outsider, body => Frames.Contains(body, _mark)));
            Assert.Equal(0, Count(outsider, IsRouteOfService));
            output.WriteLine($"the outsider got {outsider.Frames.Count} frames, none of the service");

            // The same spy as a member of the service is handed what it is the nearest to.
            await using var insider = new SpyPeer();
            foreach (NodeProcess node in ring.Nodes)
            {
                await insider.ConnectAsync(node.Address, ring.Network, "", Service);
            }

            await using IgorDht dht = await ring.OpenAsync(ring.Nodes[0], TimeSpan.FromSeconds(1));
            await Eventually.HoldsAsync(
                async () =>
                {
                    string name = NamesNear(ring, insider.NodeId).First();
                    await new Ledger().PutAsync(dht, name, _mark); // it answers nothing, so that this fails
                    return Count(insider, body => IsRouteOfService(body) && Frames.Contains(body, _mark)) > 0;
                },
                "the insider is handed payload");
        });

    [Fact]
    public Task Memory_of_a_daemon_that_does_not_run_the_service_holds_none_of_its_payload() =>
        Ring.RunAsync(3, output, async ring =>
        {
            NodeProcess daemon = NodeProcess.Daemon(ring.NextSettings());
            using (daemon)
            {
                await daemon.StartAsync();
                await UntilConnectedAsync(daemon, ring.Nodes.Count);
                string last = await PutAndGetNearAsync(ring, daemon.NodeId);

                byte[] mark = Encoding.UTF8.GetBytes(_mark);
                Assert.True(ProcessMemory.Contains(ring.Nodes[0].ProcessId, mark), "no storage node saw it");
                Assert.False(ProcessMemory.Contains(daemon.ProcessId, mark), "the daemon has seen payload");

                // Its own applications may use the service through it: then, and only then, it passes by.
                await using IgorDht client = await ring.OpenAsync(daemon);
                Assert.Equal(GetOutcome.Found, (await client.GetAsync(last)).Outcome);
                Assert.True(ProcessMemory.Contains(daemon.ProcessId, mark), "the look sees nothing");
            }
        });

    private static int Count(SpyPeer spy, int type) => Count(spy, body => Frames.TypeOf(body) == type);

    private static int Count(SpyPeer spy, Func<byte[], bool> condition) => spy.Frames.Count(condition);

    private static bool IsRouteOfService(byte[] body)
    {
        byte[] id = new byte[ServiceId.SizeInBytes];
        ServiceId.FromName(Service).Write(id);
        return Frames.TypeOf(body) == Frames.Route && body.AsSpan(4, id.Length).SequenceEqual(id);
    }

    /// <summary>Names of records that lie nearer to one node than to any of the ring.</summary>
    private static IEnumerable<string> NamesNear(Ring ring, Key node) => Enumerable.Range(0, int.MaxValue)
        .Select(i => $"isolated/{i}")
        .Where(name => ring.Nodes.All(
            other => DhtKey.ForValue(name).CompareNearness(node, other.NodeId) < 0));

    private static async Task UntilConnectedAsync(NodeProcess daemon, int peers)
    {
        var options = new IgorClientOptions { SocketPath = daemon.Socket };
        await using IgorClient client = await IgorClient.ConnectAsync(options);
        await Eventually.HoldsAsync(
            async () =>
                await client.GetStatusAsync() is { IsJoined: true } status && status.Peers.Length >= peers,
            "the daemon knows all nodes");
    }

    // Puts through one node, gets through each; returns the name of the last.
    private async Task<string> PutAndGetNearAsync(Ring ring, Key outsider)
    {
        string[] names = [.. NamesNear(ring, outsider).Take(Records)];
        var ledger = new Ledger();
        IgorDht[] clients = await Task.WhenAll(ring.Nodes.Select(node => ring.OpenAsync(node)));
        for (int i = 0; i < names.Length; i++)
        {
            IgorDht dht = clients[i % clients.Length];
            Assert.True(await ledger.PutAsync(dht, names[i], $"{_mark} {RealText.Line(i)}"), names[i]);
        }

        for (int i = 0; i < clients.Length; i++)
        {
            Assert.Empty(await ledger.CheckAsync([clients[i]]));
            await clients[i].DisposeAsync();
        }

        return names[^1];
    }
}
