using System.Net;
using System.Net.Sockets;
using Igor.Kbr;
using Igor.Kbr.Overlay.Machines;
using Igor.Node.Disk;
using Igor.Node.Reporting;
using Igor.Node.Transport.Links;
using Igor.Testing;

namespace Igor.Node.Tests;

/// <summary>What comes from outside and is wrong: refused with a clear error, and the node goes on.</summary>
public sealed class NodeEdgeTests
{
    [Fact]
    public async Task Node_of_another_network_is_refused_on_both_sides_with_the_reason()
    {
        var log = new ListLogger();
        var strangerLog = new ListLogger();
        await using IgorNode node = await StartAsync(log: log);
        await using IgorNode stranger = await IgorNode.StartAsync(
            new IgorNodeOptions { Listen = "127.0.0.1:0", Network = "other", Bootstrap = node.Addresses },
            strangerLog);
        await Eventually.HoldsAsync(() => log.Has("Refused:") && strangerLog.Has("Refused:"), "both log it");
        Assert.True(log.Has("other"), string.Join('\n', log.Lines));
        Assert.Empty((await node.GetStatusAsync()).Peers);
        Assert.Empty((await stranger.GetStatusAsync()).Peers);
    }

    [Fact]
    public async Task Garbage_instead_of_tls_is_refused_with_the_reason()
    {
        var log = new ListLogger();
        await using IgorNode node = await StartAsync(log: log);
        using var client = new TcpClient();
        await client.ConnectAsync(IPEndPoint.Parse(node.Addresses[0]));
        await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: igor\r\n\r\n"u8.ToArray());
        await Eventually.HoldsAsync(() => log.Has("the TLS handshake failed"), "the log says why");
        await AssertServes(node);
    }

    [Fact]
    public async Task Garbage_in_a_frame_is_a_protocol_error()
    {
        var log = new ListLogger();
        await using IgorNode node = await StartAsync(log: log);
        await using var peer = new LinkRecorder();
        peer.Dial(node.Addresses[0]);
        await peer.Send(await peer.FirstLink(), [0xC1, 0xFF, 0x00, 0x13]);
        await Eventually.HoldsAsync(() => log.Has("broke the protocol"), "the log says so");
        await Eventually.HoldsAsync(() => !peer.Closed.IsEmpty, "the peer is disconnected");
        await AssertServes(node);
    }

    [Fact]
    public async Task Frame_larger_than_allowed_is_a_protocol_error_before_it_is_read()
    {
        var log = new ListLogger();
        await using IgorNode node = await StartAsync(log: log);
        await using var peer = new LinkRecorder();
        peer.Dial(node.Addresses[0]);
        TlsLink link = await peer.FirstLink();
        int tooMuch = new OverlayOptions().PayloadBytesMax + 5000;
        await peer.Send(link, new byte[tooMuch]);
        await Eventually.HoldsAsync(() => !peer.Closed.IsEmpty, "the peer is disconnected");
        Assert.True(log.Has($"a frame of {tooMuch} bytes"), string.Join('\n', log.Lines));
        await AssertServes(node);
    }

    [Fact]
    public async Task Port_in_use_stops_the_start_and_frees_the_folder()
    {
        using var temporary = new TemporaryFolder();
        await using IgorNode node = await StartAsync();
        var options = new IgorNodeOptions { DataFolder = temporary.Path, Listen = node.Addresses[0] };
        var problem = await Assert.ThrowsAsync<NodeStartException>(() => IgorNode.StartAsync(options));
        Assert.Contains(node.Addresses[0], problem.Message, StringComparison.Ordinal);
        DataFolder.Open(temporary.Path).Dispose();
    }

    [Fact]
    public async Task Folder_of_a_running_node_stops_the_start_of_another()
    {
        using var temporary = new TemporaryFolder();
        await using IgorNode node = await StartAsync(temporary.Path);
        var problem = await Assert.ThrowsAsync<NodeStartException>(() => StartAsync(temporary.Path));
        Assert.Contains(temporary.Path, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Node_that_returns_is_the_same_and_finds_its_ring_through_the_peers_it_knew()
    {
        using var temporary = new TemporaryFolder();
        await using IgorNode other = await StartAsync();
        Key id;
        await using (IgorNode first = await StartAsync(temporary.Path, other.Addresses))
        {
            id = first.NodeId;
            await WaitForPeer(first, other.NodeId);
        }

        await using IgorNode second = await StartAsync(temporary.Path);
        Assert.Equal(id, second.NodeId);
        await WaitForPeer(second, other.NodeId);
    }

    [Fact]
    public async Task Unknown_bootstrap_address_leaves_the_node_alone_and_working()
    {
        var log = new ListLogger();
        await using IgorNode node = await IgorNode.StartAsync(
            new IgorNodeOptions
            {
                Bootstrap = ["127.0.0.1:1"],
                Overlay = new OverlayOptions { JoinPatience = TimeSpan.Zero },
            },
            log);
        RingStanding ring = await Eventually.CompletesAsync(node.Settled);
        Assert.Equal((RingState.Alone, false), (ring.State, node.Joined.IsCompleted));
        await AssertServes(node);
        await Eventually.HoldsAsync(
            () => log.Has("this node is alone"), "the log says so");
        await Eventually.HoldsAsync(
            async () => (await node.GetStatusAsync()).Ring.Reason == "connection refused at 127.0.0.1:1",
            "the status says why");
    }

    [Fact]
    public async Task Status_tells_what_the_node_is()
    {
        await using IgorNode node = await StartAsync();
        await Eventually.CompletesAsync(node.Joined);
        await using IKbrService service = (await Echo.OnAsync(node)).Service;
        HostStatus status = await node.GetStatusAsync();
        Assert.Equal((node.NodeId, "igor", true), (status.NodeId, status.Network, status.IsJoined));
        Assert.Equal(node.Addresses, status.Addresses);
        Assert.Equal(["echo"], status.Services.Select(one => one.Name));
        Assert.True(node.Uptime > TimeSpan.Zero);
    }

    [Theory]
    [InlineData(-TimeSpan.TicksPerMillisecond)] // Timeout.InfiniteTimeSpan
    [InlineData(long.MaxValue)]
    public async Task Request_that_would_wait_for_ever_is_answered(long ticks)
    {
        await using IgorNode node = await StartAsync();
        Echo echo = await Echo.OnAsync(node);
        Task<KbrReply> request = echo.Service.RequestAsync(
            node.NodeId, "hello"u8.ToArray(), new RequestOptions(TimeSpan.FromTicks(ticks)));
        Assert.Equal(KbrStatus.Ok, (await Eventually.CompletesAsync(request)).Status);
    }

    private static Task<IgorNode> StartAsync(
        string? folder = null, IReadOnlyList<string>? bootstrap = null, ListLogger? log = null) =>
        IgorNode.StartAsync(
            new IgorNodeOptions { DataFolder = folder, Listen = "127.0.0.1:0", Bootstrap = bootstrap ?? [] },
            log);

    private static Task WaitForPeer(IgorNode node, Key peer) => Eventually.HoldsAsync(
        async () => (await node.GetStatusAsync()).Peers.Any(known => known.Id == peer),
        "the peer is connected");

    private static async Task AssertServes(IgorNode node)
    {
        Echo echo = await Echo.OnAsync(node, service: "alive");
        KbrReply reply = await echo.Ask(node.NodeId);
        Assert.Equal(KbrStatus.Ok, reply.Status);
    }
}
