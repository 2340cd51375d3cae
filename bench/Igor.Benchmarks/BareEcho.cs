using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Igor.Node.Identity;

namespace Igor.Benchmarks;

/// <summary>
/// The least that a framed echo over TLS 1.3 with certificates on both sides takes: a reader that handles all
/// frames that are there, and a writer beside it that sends all that was gathered. What a node adds is
/// measured against it.
/// </summary>
internal sealed class BareEcho : IRoundTrips
{
    private const int LengthBytes = 4;

    private readonly ConcurrentQueue<Action> _waiting = new();
    private readonly SslStream _stream;
    private readonly Pipe _outgoing = new(new PipeOptions(
        readerScheduler: PipeScheduler.Inline,
        writerScheduler: PipeScheduler.Inline,
        pauseWriterThreshold: 0,
        useSynchronizationContext: false));

    private readonly Lock _gate = new();
    private readonly Task _running;
    private int _reading;

    private BareEcho(SslStream stream, bool isServer)
    {
        _stream = stream;
        _running = Task.WhenAll(ReadAsync(isServer), WriteAsync());
    }

    /// <summary>Connects to a server.</summary>
    public static async Task<BareEcho> ConnectAsync(IPEndPoint server)
    {
        using NodeIdentity identity = NodeIdentity.CreateEphemeral();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server).ConfigureAwait(false);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "bench",
            EnabledSslProtocols = SslProtocols.Tls13,
            ClientCertificateContext = SslStreamCertificateContext.Create(
                identity.Certificate, null, offline: true),
            RemoteCertificateValidationCallback = IsShown,
        }).ConfigureAwait(false);
        return new BareEcho(stream, isServer: false);
    }

    /// <summary>Serves one client.</summary>
    /// <param name="listening">Told the address.</param>
    public static async Task ServeAsync(Action<IPEndPoint> listening)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        listening((IPEndPoint)listener.LocalEndpoint);
        Socket socket = await listener.AcceptSocketAsync().ConfigureAwait(false);
        socket.NoDelay = true;
        using NodeIdentity identity = NodeIdentity.CreateEphemeral();
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(
                identity.Certificate, null, offline: true),
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            RemoteCertificateValidationCallback = IsShown,
        }).ConfigureAwait(false);
        await using var echo = new BareEcho(stream, isServer: true);
        await echo._running.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Send(ReadOnlyMemory<byte> message, Action echoed)
    {
        lock (_gate)
        {
            _waiting.Enqueue(echoed);
            Gather(message.Span);
        }

        if (Volatile.Read(ref _reading) != Environment.CurrentManagedThreadId)
        {
            Flush(); // while replies are being handled, all they cause goes out together
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _stream.DisposeAsync().ConfigureAwait(false);

    private static bool IsShown(
        object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        certificate is not null;

    private async Task ReadAsync(bool isServer)
    {
        byte[] buffer = new byte[256 * 1024];
        int end = 0;
        try
        {
            while (true)
            {
                int read = await _stream.ReadAsync(buffer.AsMemory(end)).ConfigureAwait(false);
                if (read == 0)
                {
                    break;
                }

                end += read;
                Volatile.Write(ref _reading, Environment.CurrentManagedThreadId);
                int start = HandleFrames(buffer.AsMemory(0, end), isServer);
                Volatile.Write(ref _reading, 0);
                Flush();
                buffer.AsSpan(start, end - start).CopyTo(buffer);
                end -= start;
            }
        }
        catch (Exception problem) when (problem is IOException or ObjectDisposedException)
        {
            // The measurement is over.
        }

        await _outgoing.Writer.CompleteAsync().ConfigureAwait(false);
    }

    private int HandleFrames(ReadOnlyMemory<byte> bytes, bool isServer)
    {
        int start = 0;
        while (bytes.Length - start >= LengthBytes)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(bytes.Span[start..]);
            if (bytes.Length - start < LengthBytes + length)
            {
                break;
            }

            if (isServer)
            {
                lock (_gate)
                {
                    Gather(bytes.Span.Slice(start + LengthBytes, length));
                }
            }
            else if (_waiting.TryDequeue(out Action? echoed))
            {
                echoed();
            }

            start += LengthBytes + length;
        }

        return start;
    }

    private void Gather(ReadOnlySpan<byte> message)
    {
        BinaryPrimitives.WriteInt32BigEndian(_outgoing.Writer.GetSpan(LengthBytes), message.Length);
        _outgoing.Writer.Advance(LengthBytes);
        _outgoing.Writer.Write(message);
    }

    private void Flush()
    {
        lock (_gate)
        {
            _outgoing.Writer.FlushAsync().AsTask(); // never waits: the pipe has no threshold
        }
    }

    private async Task WriteAsync()
    {
        try
        {
            while (true)
            {
                ReadResult gathered = await _outgoing.Reader.ReadAsync().ConfigureAwait(false);
                foreach (ReadOnlyMemory<byte> segment in gathered.Buffer)
                {
                    await _stream.WriteAsync(segment).ConfigureAwait(false);
                }

                _outgoing.Reader.AdvanceTo(gathered.Buffer.End);
                if (gathered.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (Exception problem) when (problem is IOException or ObjectDisposedException)
        {
            // The measurement is over.
        }
    }
}
