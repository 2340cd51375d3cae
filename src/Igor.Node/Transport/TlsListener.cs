using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Igor.Node;

/// <summary>
/// Accepts connections and secures them, a bounded number at once: further ones wait in the system's queue.
/// What is not TLS, or shows no certificate, is closed with a line in the log; each handshake has a deadline.
/// </summary>
internal sealed class TlsListener : IAsyncDisposable
{
    private const int Backlog = 512;

    /// <summary>Pause after the system refused to hand out a connection (too many open files).</summary>
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    private readonly Socket _socket;
    private readonly TlsHandshake _handshake;
    private readonly TransportOptions _options;
    private readonly ConnectionSlots _slots;
    private readonly Action<SecuredSocket> _accepted;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _handshakes;
    private readonly CancellationTokenSource _stopping = new();
    private Task _accepting = Task.CompletedTask;

    private TlsListener(
        Socket socket,
        TlsHandshake handshake,
        TransportOptions options,
        ConnectionSlots slots,
        Action<SecuredSocket> accepted,
        ILogger log)
    {
        _socket = socket;
        _handshake = handshake;
        _options = options;
        _slots = slots;
        _accepted = accepted;
        _log = log;
        _handshakes = new SemaphoreSlim(options.HandshakesMax);
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
    }

    /// <summary>Where it listens, with the port that was taken.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Binds an address; <see cref="Start"/> begins to accept.</summary>
    /// <exception cref="NodeStartException">The address cannot be used; the message says why.</exception>
    public static TlsListener Bind(
        HostPort address,
        TlsHandshake handshake,
        TransportOptions options,
        ConnectionSlots slots,
        Action<SecuredSocket> accepted,
        ILogger log)
    {
        Socket? socket = null;
        try
        {
            IPAddress host = Resolve(address);
            socket = new Socket(host.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (host.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true; // all interfaces means IPv4 too
            }

            socket.Bind(new IPEndPoint(host, address.Port));
            socket.Listen(Backlog);
            return new TlsListener(socket, handshake, options, slots, accepted, log);
        }
        catch (SocketException problem)
        {
            socket?.Dispose();
            throw new NodeStartException($"Cannot listen on {address}: {Cause(problem)}", problem);
        }
    }

    /// <summary>Begins to accept.</summary>
    public void Start() => _accepting = Task.Run(AcceptAsync);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _socket.Dispose();
        await _accepting.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private static IPAddress Resolve(HostPort address)
    {
        if (IPAddress.TryParse(address.Host, out IPAddress? literal))
        {
            return literal;
        }

        IPAddress[] found = Dns.GetHostAddresses(address.Host);
        return Array.Find(found, host => host.AddressFamily == AddressFamily.InterNetwork)
            ?? found.FirstOrDefault()
            ?? throw new SocketException((int)SocketError.HostNotFound);
    }

    private static string Cause(SocketException problem) => problem.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse =>
            "the port is in use. Stop what uses it, or listen on another port.",
        SocketError.AddressNotAvailable => "this machine does not have that address.",
        SocketError.AccessDenied => "permission denied. Ports below 1024 are reserved; choose another one.",
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain =>
            "the host name is not known.",
        _ => problem.Message,
    };

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                await _handshakes.WaitAsync(_stopping.Token).ConfigureAwait(false);
                Socket? socket = await AcceptOneAsync().ConfigureAwait(false);
                if (socket is null)
                {
                    _handshakes.Release();
                    await Task.Delay(AcceptPause, _stopping.Token).ConfigureAwait(false);
                    continue;
                }

                _ = SecureAsync(socket);
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or ObjectDisposedException
            || (problem is SocketException && _stopping.IsCancellationRequested))
        {
            // The listener is being disposed; which of these an accept ends with depends on how far it was.
        }
    }

    private async Task<Socket?> AcceptOneAsync()
    {
        try
        {
            return await _socket.AcceptAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (SocketException problem) when (!_stopping.IsCancellationRequested)
        {
            NodeLog.AcceptFailed(_log, problem.Message);
            return null;
        }
    }

    private async Task SecureAsync(Socket socket)
    {
        string remote = "unknown";
        bool hasSlot = false;
        try
        {
            remote = socket.RemoteEndPoint?.ToString() ?? remote;
            hasSlot = _slots.TryTake();
            if (!hasSlot)
            {
                socket.Dispose();
                NodeLog.ConnectionRefused(_log, remote, "there are too many connections already");
                return;
            }

            socket.NoDelay = true;
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            deadline.CancelAfter(_options.HandshakeTimeout);
            SecuredSocket secured =
                await _handshake.AcceptAsync(socket, deadline.Token).ConfigureAwait(false);
            hasSlot = false; // the link has it now
            _accepted(secured);
        }
        catch (Exception problem) when (Link.IsBroken(problem))
        {
            socket.Dispose();
            NodeLog.ConnectionRefused(_log, remote, HandshakeCause(problem));
        }
        finally
        {
            if (hasSlot)
            {
                _slots.Return();
            }

            _handshakes.Release();
        }
    }

    private static string HandshakeCause(Exception problem) => problem is OperationCanceledException
        ? "the TLS handshake took too long"
        : "the TLS handshake failed: " + (problem.InnerException ?? problem).Message;
}
