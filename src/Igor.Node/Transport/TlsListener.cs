using System.Net;
using System.Net.Sockets;
using Igor.Node.Addresses;
using Igor.Node.Reporting;
using Igor.Node.Transport.Inbound;
using Microsoft.Extensions.Logging;

namespace Igor.Node.Transport;

/// <summary>
/// Accepts connections as fast as they come, so that no queue of the system's fills up with those of one
/// end: what becomes of each is decided by <see cref="InboundConnections"/>.
/// </summary>
internal sealed class TlsListener : IAsyncDisposable
{
    private const int Backlog = 4096; // the system holds it to its own limit

    /// <summary>Pause after the system refused to hand out a connection (too many open files).</summary>
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    private readonly Socket _socket;
    private readonly InboundConnections _inbound;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private Task _accepting = Task.CompletedTask;

    private TlsListener(Socket socket, InboundConnections inbound, ILogger log)
    {
        _socket = socket;
        _inbound = inbound;
        _log = log;
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
    }

    /// <summary>Where it listens, with the port that was taken.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Binds an address; <see cref="Start"/> begins to accept.</summary>
    /// <exception cref="NodeStartException">The address cannot be used; the message says why.</exception>
    public static TlsListener Bind(HostPort address, InboundConnections inbound, ILogger log)
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
            return new TlsListener(socket, inbound, log);
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
        _inbound.Dispose();
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
                (Socket? socket, string cause) = await AcceptOneAsync().ConfigureAwait(false);
                if (socket is not null)
                {
                    _inbound.Take(socket);
                }
                else if (!_inbound.TryFreeSocket())
                {
                    NodeLog.AcceptFailed(_log, cause);
                    await Task.Delay(AcceptPause, _stopping.Token).ConfigureAwait(false);
                }
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or ObjectDisposedException
            || (problem is SocketException && _stopping.IsCancellationRequested))
        {
            // The listener is being disposed; which of these an accept ends with depends on how far it was.
        }
    }

    private async Task<(Socket? Socket, string Cause)> AcceptOneAsync()
    {
        try
        {
            return (await _socket.AcceptAsync(_stopping.Token).ConfigureAwait(false), string.Empty);
        }
        catch (SocketException problem) when (!_stopping.IsCancellationRequested)
        {
            return (null, problem.Message);
        }
    }
}
