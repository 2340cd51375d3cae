using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Igor.Node.Identity;
using Igor.Node.Transport.Links;
using Igor.Testing;

namespace Igor.Node.Tests;

/// <summary>Who does not belong here is refused with a reason in the log, and holds nothing up.</summary>
#pragma warning disable CA1001 // The runner disposes through IAsyncLifetime.
public sealed class StrangerTests : IAsyncLifetime
#pragma warning restore CA1001
{
    private readonly LinkRecorder _server =
        new(new TransportOptions { HandshakeTimeout = TimeSpan.FromSeconds(2), HandshakesMax = 2 });

    private string _address = string.Empty;

    public Task InitializeAsync()
    {
        _address = _server.Listen();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await AssertServes();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Tls_client_without_certificate_is_refused()
    {
        await ShakeHands(null, "igor/1", SslProtocols.Tls13);
        await AssertRefused("no certificate");
    }

    [Fact]
    public async Task Tls_client_with_another_kind_of_key_is_refused()
    {
        using RSA key = RSA.Create(2048);
        var request = new CertificateRequest(
            "CN=x", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 certificate =
            request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        await ShakeHands(certificate, "igor/1", SslProtocols.Tls13);
        await AssertRefused("P-256");
    }

    [Theory]
    [InlineData("h2")]
    [InlineData(null)]
    public async Task Tls_client_that_speaks_another_protocol_is_refused(string? protocol)
    {
        using NodeIdentity identity = NodeIdentity.CreateEphemeral();
        await ShakeHands(identity.Certificate, protocol, SslProtocols.Tls13);
        await AssertRefused(string.Empty);
    }

    [Fact]
    public async Task Older_tls_is_refused()
    {
        using NodeIdentity identity = NodeIdentity.CreateEphemeral();
        await ShakeHands(identity.Certificate, "igor/1", SslProtocols.Tls12);
        await AssertRefused(string.Empty);
    }

    [Fact]
    public async Task Garbage_is_refused()
    {
        using var client = await Connect();
        byte[] garbage = new byte[5000];
        new Random(1).NextBytes(garbage);
        await client.GetStream().WriteAsync(garbage);
        await AssertRefused("handshake failed");
    }

    [Fact]
    public async Task Silent_ends_are_closed_at_the_deadline_even_when_they_fill_all_places()
    {
        using TcpClient first = await Connect();
        using TcpClient second = await Connect();
        await AssertRefused("took too long");
        await AssertEnds(first);
        await AssertEnds(second);
    }

    [Fact]
    public async Task End_that_goes_away_in_the_handshake_is_forgotten()
    {
        using (await Connect())
        {
        }

        await AssertRefused("handshake failed");
    }

    private async Task AssertRefused(string cause)
    {
        await Eventually.HoldsAsync(() => _server.Log.Has("refused: "), "the log says why");
        Assert.True(_server.Log.Has(cause), string.Join('\n', _server.Log.Lines));
        Assert.Empty(_server.Opened);
        await Eventually.HoldsAsync(() => _server.Transport.Connections == 0, "nothing of it stays");
    }

    private static async Task AssertEnds(TcpClient client)
    {
        try
        {
            Task<int> reading = client.GetStream().ReadAsync(new byte[1]).AsTask();
            Assert.Equal(0, await Eventually.CompletesAsync(reading));
        }
        catch (IOException)
        {
            // Reset: that ends it too.
        }
    }

    private async Task AssertServes()
    {
        await using var friend = new LinkRecorder();
        friend.Dial(_address);
        await friend.FirstLink();
        await _server.FirstLink();
    }

    private async Task<TcpClient> Connect()
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPEndPoint.Parse(_address));
        return client;
    }

    private async Task ShakeHands(X509Certificate2? certificate, string? protocol, SslProtocols version)
    {
        using TcpClient client = await Connect();
        await using var stream = new SslStream(client.GetStream());
        try
        {
            var options = new SslClientAuthenticationOptions
            {
                TargetHost = "igor",
                EnabledSslProtocols = version,
                ClientCertificates = certificate is null ? null : [certificate],
                ApplicationProtocols = protocol is null ? null : [new SslApplicationProtocol(protocol)],
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            };
            await Eventually.CompletesAsync(stream.AuthenticateAsClientAsync(options), "a handshake");
            Assert.Equal(0, await stream.ReadAsync(new byte[1]));
        }
        catch (Exception problem) when (problem is AuthenticationException or IOException)
        {
            // Refused already in the handshake, or by a reset connection.
        }
    }
}
