using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Testing;

namespace Igor.Node.Tests;

/// <summary>Rings of real nodes in this process, over TLS on loopback.</summary>
public sealed class RingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public async Task Requests_of_every_node_reach_the_root_of_their_key(int count)
    {
        await using LoopbackRing ring = await LoopbackRing.StartAsync(count);
        List<Echo> members = await JoinService(ring);
        for (int i = 0; i < 40; i++)
        {
            Key key = Key.HashOf($"key {i}");
            byte[] payload = new byte[i * 999];
            new Random(i).NextBytes(payload);
            KbrReply reply = await members[i % count].Ask(key, payload: payload);
            Assert.Equal(KbrStatus.Ok, reply.Status);
            Assert.Equal(
                ring.Nodes.Select(node => node.NodeId).Order(NearestTo(key)).First(), reply.Responder);
            Assert.True(reply.Payload.Span.SequenceEqual(payload));
        }
    }

    [Fact]
    public async Task Killed_node_is_found_out_and_its_keys_get_another_root()
    {
        await using LoopbackRing ring = await LoopbackRing.StartAsync(4);
        List<Echo> members = await JoinService(ring);
        IgorNode victim = ring.Nodes[2];
        await Eventually.CompletesAsync(victim.KillAsync());
        foreach (Echo survivor in members.Where(member => member != members[2]))
        {
            await Eventually.HoldsAsync(
                () => !survivor.Service.Neighbours.Others.Contains(victim.NodeId),
                "the dead is no neighbour");
            Assert.Contains(
                new Departure(victim.NodeId, DepartureReason.Failed),
                survivor.Changes.SelectMany(change => change.Departed));
            KbrReply reply = await survivor.Ask(victim.NodeId);
            Assert.Equal(KbrStatus.Ok, reply.Status);
            Assert.NotEqual(victim.NodeId, reply.Responder);
        }
    }

    [Fact]
    public async Task Node_that_leaves_says_so()
    {
        await using LoopbackRing ring = await LoopbackRing.StartAsync(3);
        List<Echo> members = await JoinService(ring);
        IgorNode leaver = ring.Nodes[1];
        await Eventually.CompletesAsync(leaver.DisposeAsync().AsTask());
        foreach (Echo rest in members.Where(member => member != members[1]))
        {
            await Eventually.HoldsAsync(
                () => rest.Changes.SelectMany(change => change.Departed)
                    .Contains(new Departure(leaver.NodeId, DepartureReason.Left)),
                "the others hear that it left");
        }
    }

    [Fact]
    public async Task Node_without_the_service_never_gets_its_payload()
    {
        await using LoopbackRing ring = await LoopbackRing.StartAsync(3);
        Echo first = await Echo.OnAsync(ring.Nodes[0]);
        Echo second = await Echo.OnAsync(ring.Nodes[1]);
        await Eventually.HoldsAsync(
            () => first.Service.Neighbours.Count == 1 && second.Service.Neighbours.Count == 1,
            "both know each other");
        Echo stranger = await Echo.OnAsync(ring.Nodes[2], service: "another");
        stranger.Instead = _ => Assert.Fail("payload of a service that the node does not run");
        KbrReply reply = await first.Ask(ring.Nodes[2].NodeId);
        Assert.Equal(KbrStatus.Ok, reply.Status);
        Assert.NotEqual(ring.Nodes[2].NodeId, reply.Responder);
    }

    [Fact]
    public async Task Client_node_that_listens_nowhere_reaches_members()
    {
        await using LoopbackRing ring = await LoopbackRing.StartAsync(2);
        await JoinService(ring);
        await using IgorNode node = await IgorNode.StartAsync(new IgorNodeOptions
        {
            Network = LoopbackRing.Network,
            Bootstrap = ring.Nodes[0].Addresses,
            Overlay = new OverlayOptions { JoinsRing = false },
        });
        await Eventually.CompletesAsync(node.Joined);
        Echo client = await Echo.OnAsync(node, ServiceRole.Client);
        foreach (IgorNode member in ring.Nodes)
        {
            KbrReply reply = await client.Ask(member.NodeId);
            Assert.Equal((KbrStatus.Ok, member.NodeId), (reply.Status, reply.Responder));
        }

        Assert.Empty(node.Addresses);
        Assert.NotEmpty((await node.GetStatusAsync()).Peers);
    }

    private static async Task<List<Echo>> JoinService(LoopbackRing ring)
    {
        var members = new List<Echo>();
        foreach (IgorNode node in ring.Nodes)
        {
            members.Add(await Echo.OnAsync(node));
        }

        await Eventually.HoldsAsync(
            () => members.TrueForAll(member =>
                member.Service.Neighbours.IsMember
                && member.Service.Neighbours.Count == ring.Nodes.Count - 1),
            "all members know each other");
        return members;
    }

    private static Comparer<Key> NearestTo(Key key) => Comparer<Key>.Create(key.CompareNearness);
}
