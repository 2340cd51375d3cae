using System.Buffers;
using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Igor.Kbr;
using Igor.Node.Addresses;
using Igor.Node.Identity;
using MessagePack;

namespace Igor.EndToEnd.Peers;

/// <summary>
/// The other end of a node's TLS connection, written from docs/protocol.md alone, byte by byte, so that it
/// can also send what no node would.
/// </summary>
internal sealed class RawPeer : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly SslStream _stream;

    private RawPeer(SslStream stream) => _stream = stream;

    /// <summary>Connects as a node would; without an identity it shows no certificate.</summary>
    public static async Task<RawPeer> ConnectAsync(string address, NodeIdentity? identity)
    {
        var socket = new NetworkStream(await DialAsync(address), ownsSocket: true);
        var stream = new SslStream(socket, leaveInnerStreamOpen: false);
        using var deadline = new CancellationTokenSource(s_patience);
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = string.Empty,
                ClientCertificates = identity is null ? null : [identity.Certificate],
                EnabledSslProtocols = SslProtocols.Tls13,
                ApplicationProtocols = [new SslApplicationProtocol("igor/1")],
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null,
            },
            deadline.Token);
        return new RawPeer(stream);
    }

    /// <summary>Opens a TCP connection and nothing more.</summary>
    public static async Task<Socket> DialAsync(string address)
    {
        Assert.True(HostPort.TryParse(address, out HostPort to));
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(to.Host, to.Port);
        return socket;
    }

    /// <summary>Sends bytes as they are.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        await _stream.WriteAsync(bytes);
        await _stream.FlushAsync();
    }

    /// <summary>Sends a frame: its length and its body.</summary>
    public Task SendFrameAsync(ReadOnlyMemory<byte> body)
    {
        byte[] frame = new byte[4 + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, body.Length);
        body.CopyTo(frame.AsMemory(4));
        return SendAsync(frame);
    }

    /// <summary>Says hello, as a member of the base ring and of the given services.</summary>
    public Task SayHelloAsync(string network, params string[] services)
    {
        var body = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(body);
        writer.WriteArrayHeader(13);
        writer.Write(1);
        writer.Write(1);
        writer.Write(1);
        writer.Write(network);
        writer.Write((ulong)Random.Shared.NextInt64());
        writer.WriteArrayHeader(0);
        writer.Write("raw");
        writer.Write(true);
        writer.Write(1);
        byte[] ids = new byte[services.Length * ServiceId.SizeInBytes];
        for (int i = 0; i < services.Length; i++)
        {
            ServiceId id = services[i].Length == 0 ? ServiceId.Base : ServiceId.FromName(services[i]);
            id.Write(ids.AsSpan(i * ServiceId.SizeInBytes));
        }

        writer.Write(ids);
        writer.Write(0); // it does not say what its clock shows
        writer.Write(0);
        writer.Write(1); // to be a neighbour
        writer.Flush();
        return SendFrameAsync(body.WrittenMemory);
    }

    /// <summary>Takes the node as a peer; after the hello, whatever the node answers to that.</summary>
    public Task AcceptAsync()
    {
        var body = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(body);
        writer.WriteArrayHeader(3);
        writer.Write(19);
        writer.Write(0);
        writer.Write(1 << 24);
        writer.Flush();
        return SendFrameAsync(body.WrittenMemory);
    }

    /// <summary>Reads the next frame's body; null when the node has closed the connection.</summary>
    public async Task<byte[]?> ReadFrameAsync(CancellationToken cancellation)
    {
        try
        {
            byte[] length = new byte[4];
            await _stream.ReadExactlyAsync(length, cancellation);
            byte[] body = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
            await _stream.ReadExactlyAsync(body, cancellation);
            return body;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>
    /// Reads until the node closes the connection, which it has to do soon; returns the frames.
    /// </summary>
    public async Task<IReadOnlyList<byte[]>> ReadToEndAsync()
    {
        using var deadline = new CancellationTokenSource(s_patience);
        var frames = new List<byte[]>();
        try
        {
            while (await ReadFrameAsync(deadline.Token) is { } frame)
            {
                frames.Add(frame);
            }
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"the node did not close the connection; it sent {frames.Count} frames");
        }

        return frames;
    }

    /// <summary>Closes the connection.</summary>
    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
