using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Igor.Dht;
using Igor.EndToEnd.Peers;
using Igor.EndToEnd.Processes;
using Igor.Node.Identity;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

/// <summary>
/// What strangers send to a node's port: it ends with their connection, and the node goes on serving.
/// </summary>
public sealed class HostilePeerTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Fact]
    public Task Garbage_and_silence_at_the_port_end_with_the_connection() => RunAsync(async (ring, node) =>
    {
        byte[] garbage = new byte[64 * 1024];
        new Random(1).NextBytes(garbage);
        using Socket silent = await RawPeer.DialAsync(node.Address);
        foreach (byte[] bytes in (byte[][])
        [
            garbage,
            Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            [0x16, 0x03, 0x01, 0x40, 0x00, .. garbage[..0x4000]], // what looks like the start of TLS
            [0x00, 0x00, 0x00, 0x02, 0x91, 0x01], // a frame, but no TLS around it
        ])
        {
            using Socket socket = await RawPeer.DialAsync(node.Address);
            await SendAllAsync(socket, bytes);
            await UntilClosedAsync(socket);
        }

        await ServesAsync(ring);
        await UntilClosedAsync(silent);
    });

    [Fact]
    public Task Oversized_frame_ends_the_connection_before_memory_is_taken() => RunAsync(async (ring, node) =>
    {
        foreach (uint length in (uint[])[int.MaxValue, uint.MaxValue, 2 * 1024 * 1024])
        {
            using var identity = NodeIdentity.CreateEphemeral();
            await using RawPeer peer = await RawPeer.ConnectAsync(node.Address, identity);
            await peer.SayHelloAsync(ring.Network);
            await peer.AcceptAsync();
            byte[] bytes = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(bytes, length);
            await peer.SendAsync(bytes);
            await peer.ReadToEndAsync();
        }

        await ServesAsync(ring);
    });

    [Fact]
    public Task Frames_that_break_the_protocol_end_the_connection() => RunAsync(async (ring, node) =>
    {
        byte[] noise = new byte[1000];
        new Random(2).NextBytes(noise);
        foreach (byte[] body in (byte[][])
        [
            [],
            [0xC1], // never used in MessagePack
            [0x91, 0x01], // a hello without fields
            [0x93, 0x10, 0xC4, 0x10], // a route that is cut
            [0x9F, .. Enumerable.Repeat((byte)0x91, 500)], // nested deeply
            noise,
        ])
        {
            using var identity = NodeIdentity.CreateEphemeral();
            await using RawPeer peer = await RawPeer.ConnectAsync(node.Address, identity);
            await peer.SayHelloAsync(ring.Network);
            await peer.AcceptAsync();
            await peer.SendFrameAsync(body);
            await peer.ReadToEndAsync();
        }

        await ServesAsync(ring);
    });

    [Fact]
    public Task Peer_of_another_network_is_told_so() => RunAsync(async (ring, node) =>
    {
        using var identity = NodeIdentity.CreateEphemeral();
        await using RawPeer peer = await RawPeer.ConnectAsync(node.Address, identity);
        await peer.SayHelloAsync("somebody-else's");
        byte[] last = (await peer.ReadToEndAsync())[^1];

        (int reason, string text) = Frames.ReadGoodbye(last);
        Assert.Equal(2, reason);
        output.WriteLine($"goodbye: {text}");
        await ServesAsync(ring);
    });

    [Fact]
    public Task Programs_of_another_network_say_clearly_what_is_wrong() => RunAsync(async (ring, node) =>
    {
        string[] stranger = ["--network", "other", "--bootstrap", node.Address, "--timeout", "3"];
        string data = ring.Scratch("other");
        (await Cli.RunAsync(["get", "x", "--data", data, .. stranger]))
            .ExitsWith(3).SaysClearly(node.Address, "other");
        (await Cli.RunAsync(["put", "x", "y", "--data", data, .. stranger]))
            .ExitsWith(3).SaysClearly(node.Address, "other");

        // A node is alone, and says why.
        using NodeProcess alone = NodeProcess.Serve(
            ring.NextSettings() with { Network = "other", Bootstrap = [node.Address] });
        await alone.StartAsync();
        await Eventually.HoldsAsync(
            () => alone.Log.Contains("ready alone refused (it belongs to network", StringComparison.Ordinal),
            "it says why it is alone");
        await ServesAsync(ring);
    });

    [Fact]
    public Task Peer_without_a_certificate_is_refused() => RunAsync(async (ring, node) =>
    {
        // In TLS 1.3 a client learns only with the first read that the server did not take it.
        await using RawPeer peer = await RawPeer.ConnectAsync(node.Address, identity: null);
        Assert.Empty(await peer.ReadToEndAsync());
        await ServesAsync(ring);
    });

    [Fact]
    public Task Peer_that_speaks_an_old_TLS_is_refused() => RunAsync(async (ring, node) =>
    {
        using Socket socket = await RawPeer.DialAsync(node.Address);
        await using var stream = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false);
        var old = new SslClientAuthenticationOptions
        {
            TargetHost = string.Empty,
            EnabledSslProtocols = SslProtocols.Tls12,
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null,
        };
        await Assert.ThrowsAnyAsync<Exception>(
            () => stream.AuthenticateAsClientAsync(old).WaitAsync(s_patience));
        await ServesAsync(ring);
    });

    private static async Task SendAllAsync(Socket socket, byte[] bytes)
    {
        try
        {
            await socket.SendAsync(bytes);
        }
        catch (SocketException)
        {
            // Closed before all was sent, which is what is asked for.
        }
    }

    private static async Task UntilClosedAsync(Socket socket)
    {
        using var deadline = new CancellationTokenSource(s_patience);
        byte[] buffer = new byte[1024];
        try
        {
            while (await socket.ReceiveAsync(buffer, deadline.Token) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // Reset: closed as well.
        }
        catch (OperationCanceledException)
        {
            Assert.Fail("the node keeps a connection open on which nothing of use comes");
        }
    }

    private static async Task ServesAsync(Ring ring)
    {
        var ledger = new Ledger();
        NodeProcess[] nodes = [.. ring.Nodes];
        Assert.All(nodes, node => Assert.True(node.IsAlive, node.Log));
        await using IgorDht first = await ring.OpenAsync(nodes[0]);
        await using IgorDht last = await ring.OpenAsync(nodes[^1]);
        for (int i = 0; i < 20; i++)
        {
            Assert.True(await ledger.PutAsync(first, $"after/{i}", RealText.Line(i)), "no put after it");
        }

        Assert.Empty(await ledger.CheckAsync([last]));
    }

    private Task RunAsync(Func<Ring, NodeProcess, Task> attack) => Ring.RunAsync(2, output, async ring =>
    {
        var ledger = new Ledger();
        await using IgorDht dht = await ring.OpenAsync(ring.Nodes[0]);
        for (int i = 0; i < 50; i++)
        {
            Assert.True(await ledger.PutAsync(dht, $"before/{i}", RealText.Line(i)));
        }

        await attack(ring, ring.Nodes[0]);
        Assert.Empty(await ledger.CheckAsync([dht]));
    });
}
