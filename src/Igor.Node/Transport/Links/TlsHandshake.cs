using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Igor.Kbr;
using Igor.Node.Addresses;
using Igor.Node.Identity;

namespace Igor.Node.Transport.Links;

/// <summary>
/// Makes TLS 1.3 connections in which both sides show a self-signed certificate. No authority is asked: the
/// handshake proves that the other end holds the key of its certificate, and that key is its identity.
/// Tickets for resumption are off: they carry the client's certificate, and cost more bytes than they save.
/// </summary>
internal sealed class TlsHandshake
{
    private const string EllipticCurveKey = "1.2.840.10045.2.1";
    private const string NamedCurveP256 = "06082A8648CE3D030107"; // the parameters of such a key, in DER

    private static readonly SslApplicationProtocol Protocol = new("igor/1");

    private readonly SslStreamCertificateContext _certificate;

    /// <summary>Makes the handshakes of a node.</summary>
    public TlsHandshake(NodeIdentity identity)
    {
        Self = identity.NodeId;
        _certificate = SslStreamCertificateContext.Create(identity.Certificate, null, offline: true);
    }

    /// <summary>The id that this end proves.</summary>
    public Key Self { get; }

    /// <summary>The handshake with an end that connected to us.</summary>
    /// <exception cref="AuthenticationException">
    /// The other end does not belong here; the message says why.
    /// </exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public Task<SecuredSocket> AcceptAsync(
        Socket socket, NetworkStream connection, CancellationToken cancellationToken) =>
        SecureAsync(socket, connection, (stream, verdict) => stream.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions
            {
                ServerCertificateContext = _certificate,
                ClientCertificateRequired = true,
                EnabledSslProtocols = SslProtocols.Tls13,
                ApplicationProtocols = [Protocol],
                AllowTlsResume = false,
                AllowRenegotiation = false,
                CertificateChainPolicy = NoAuthority(),
                RemoteCertificateValidationCallback = verdict.Judge,
            },
            cancellationToken));

    /// <summary>The handshake with an end that we connected to.</summary>
    /// <exception cref="AuthenticationException">
    /// The other end does not belong here; the message says why.
    /// </exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public Task<SecuredSocket> ConnectAsync(Socket socket, CancellationToken cancellationToken) =>
        SecureAsync(socket, new NetworkStream(socket, true), (tls, own) => tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                ClientCertificateContext = _certificate,
                TargetHost = string.Empty,
                EnabledSslProtocols = SslProtocols.Tls13,
                ApplicationProtocols = [Protocol],
                AllowTlsResume = false,
                AllowRenegotiation = false,
                CertificateChainPolicy = NoAuthority(),
                RemoteCertificateValidationCallback = own.Judge,
            },
            cancellationToken));

    private static async Task<SecuredSocket> SecureAsync(
        Socket socket, NetworkStream connection, Func<SslStream, Verdict, Task> handshake)
    {
        string remote = SourceAddress.TextOf(socket.RemoteEndPoint);
        var verdict = new Verdict();
        var stream = new SslStream(connection, leaveInnerStreamOpen: false);
        try
        {
            await handshake(stream, verdict).ConfigureAwait(false);
            if (stream.NegotiatedApplicationProtocol != Protocol)
            {
                throw new AuthenticationException("it does not speak igor/1 (ALPN)");
            }

            var peer = NodeIdentity.IdOf((X509Certificate2)stream.RemoteCertificate!);
            return new SecuredSocket(socket, stream, peer, remote);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            if (verdict.Refusal is { } refusal)
            {
                throw new AuthenticationException(refusal); // says more than what the platform throws
            }

            throw;
        }
    }

    /// <summary>
    /// Keeps the platform from loading its authorities, and from fetching anything from the network.
    /// </summary>
    private static X509ChainPolicy NoAuthority() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        RevocationMode = X509RevocationMode.NoCheck,
        DisableCertificateDownloads = true,
        VerificationFlags = X509VerificationFlags.AllFlags,
    };

    /// <summary>What one handshake decided about the other end's certificate.</summary>
    private sealed class Verdict
    {
        /// <summary>Why the certificate was refused; null while it was not.</summary>
        public string? Refusal { get; private set; }

        /// <summary>Whether the certificate can stand for a node.</summary>
        public bool Judge(
            object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
        {
            Refusal = certificate switch
            {
                null => "it shows no certificate",
                X509Certificate2 shown when IsP256(shown) => null,
                _ => "its certificate has no P-256 key",
            };
            return Refusal is null;
        }

        private static bool IsP256(X509Certificate2 certificate) =>
            certificate.GetKeyAlgorithm() == EllipticCurveKey
            && certificate.GetKeyAlgorithmParametersString() == NamedCurveP256;
    }
}
