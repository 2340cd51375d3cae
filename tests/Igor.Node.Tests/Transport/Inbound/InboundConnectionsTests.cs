using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Igor.Node.Identity;
using Igor.Node.Transport.Admission;
using Igor.Node.Transport.Links;
using Igor.Testing;

namespace Igor.Node.Tests;

/// <summary>
/// However many connections say nothing, or stop half-way, the next one is served: no deadline helps here.
/// </summary>
#pragma warning disable CA1001 // The runner disposes through IAsyncLifetime.
public sealed class InboundConnectionsTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private readonly LinkRecorder _server = new(new TransportOptions
    {
        FirstBytesTimeout = TimeSpan.FromMinutes(2),
        HandshakeTimeout = TimeSpan.FromMinutes(2),
        PendingConnectionsMax = 16,
        HandshakesMax = 4,
    });

    private readonly List<TcpClient> _clients = [];
    private string _address = string.Empty;

    public Task InitializeAsync()
    {
        _address = _server.Listen();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Silent_connections_give_way()
    {
        for (int i = 0; i < 40; i++)
        {
            await Connect();
        }

        await AssertServes();
        Assert.True(_server.Transport.Inbound.Refused(InboundRefusal.EvictedWaiting) > 0);
    }

    [Fact]
    public async Task Connections_that_stop_inside_their_first_record_give_way()
    {
        for (int i = 0; i < 40; i++)
        {
            TcpClient client = await Connect();
            await client.GetStream().WriteAsync(new byte[] { 22, 3, 1, 1, 0, 1, 0 });
        }

        await AssertServes();
        Assert.True(_server.Transport.Inbound.Refused(InboundRefusal.EvictedWaiting) > 0);
    }

    /// <summary>Also when there are more than may wait: whoever comes has not had its time yet.</summary>
    [Theory]
    [InlineData(12)]
    [InlineData(40)]
    public async Task Handshakes_that_are_left_unfinished_give_way(int count)
    {
        for (int i = 0; i < count; i++)
        {
            TcpClient client = await Connect();
            var deaf = new SslStream(new DeafStream(client.Client));
            _ = deaf.AuthenticateAsClientAsync("igor");
        }

        await Eventually.HoldsAsync(
            () => _server.Transport.Inbound.Refused(InboundRefusal.EvictedHandshake) >= 8, "they take turns");
        await AssertServes();
    }

    [Fact]
    public async Task What_cannot_be_tls_is_closed_at_once()
    {
        TcpClient client = await Connect();
        await client.GetStream().WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        await Eventually.HoldsAsync(
            () => _server.Transport.Inbound.Refused(InboundRefusal.Handshake) == 1, "it is refused");
        await AssertServes();
    }

    [Fact]
    public async Task A_first_record_in_single_bytes_is_taken()
    {
        using NodeIdentity identity = NodeIdentity.CreateEphemeral();
        TcpClient client = await Connect();
        await using var stream = new SslStream(new TricklingStream(client.Client));
        await Eventually.CompletesAsync(stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "igor",
            EnabledSslProtocols = System.Security.Authentication.SslProtocols.Tls13,
            ClientCertificates = [identity.Certificate],
            ApplicationProtocols = [new SslApplicationProtocol("igor/1")],
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        }));
        await _server.FirstLink();
    }

    // On a host that has much to do its turn may end before its handshake: like a node, it comes again, also
    // where its own end of the handshake was done and no hello follows.
    private async Task AssertServes()
    {
        await using var friend = new LinkRecorder();
        int dials = 0;
        int ended = -1;
        var waited = Stopwatch.StartNew();
        await Eventually.HoldsAsync(
            () =>
            {
                int count = friend.Failed.Count + friend.Closed.Count;
                if (count > ended || waited.Elapsed > TimeSpan.FromSeconds(5))
                {
                    ended = count;
                    waited.Restart();
                    friend.Dial(_address, ++dials);
                }

                return !_server.Opened.IsEmpty;
            },
            "a link opens");
    }

    private async Task<TcpClient> Connect()
    {
        var client = new TcpClient();
        _clients.Add(client);
        await client.ConnectAsync(IPEndPoint.Parse(_address));
        return client;
    }

    /// <summary>Sends and never hears.</summary>
    private sealed class DeafStream(Socket socket) : NetworkStream(socket)
    {
        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }
    }

    /// <summary>Sends each byte on its own.</summary>
    private sealed class TricklingStream(Socket socket) : NetworkStream(socket)
    {
        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Socket.NoDelay = true;
            for (int i = 0; i < buffer.Length; i++)
            {
                await base.WriteAsync(buffer.Slice(i, 1), cancellationToken);
            }
        }
    }
}
