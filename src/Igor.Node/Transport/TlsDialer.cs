using System.Net;
using System.Net.Sockets;
using Igor.Node.Addresses;
using Igor.Node.Transport.Links;

namespace Igor.Node.Transport;

/// <summary>Connects to an address and secures the connection, with a deadline for each step.</summary>
internal sealed class TlsDialer(TlsHandshake handshake, TransportOptions options)
{
    /// <summary>
    /// Least time for one IP address of a name that has several: a lost first packet is sent again after one.
    /// </summary>
    private static readonly TimeSpan PatiencePerAddressMin = TimeSpan.FromSeconds(1.5);

    /// <summary>
    /// Connects; tries the IP addresses of a name, which is looked up anew, one after the other and in
    /// another order each time, since one of them may lead to this very node or to one that is dead.
    /// </summary>
    /// <returns>The connection, or null and the cause.</returns>
    public async Task<(SecuredSocket? Secured, string Cause)> DialAsync(
        string address, CancellationToken stopping)
    {
        if (!HostPort.TryParse(address, out HostPort target) || target.Port == 0)
        {
            return (null, $"'{address}' is no address (host:port)");
        }

        Socket? socket = null;
        try
        {
            socket = await ConnectAsync(target, stopping).ConfigureAwait(false);
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            deadline.CancelAfter(options.HandshakeTimeout);
            return (await handshake.ConnectAsync(socket, deadline.Token).ConfigureAwait(false), string.Empty);
        }
        catch (Exception problem) when (TlsLink.IsBroken(problem))
        {
            socket?.Dispose();
            return (null, Cause(problem, socket is not null));
        }
        catch
        {
            socket?.Dispose();
            throw;
        }
    }

    private static string Cause(Exception problem, bool isConnected) => (problem, isConnected) switch
    {
        (OperationCanceledException, true) => "the TLS handshake took too long",
        (OperationCanceledException, false) => "no answer",
        (SocketException { SocketErrorCode: SocketError.ConnectionRefused }, false) => "connection refused",
        (SocketException { SocketErrorCode: SocketError.TimedOut }, false) => "no answer",
        (SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData }, false) =>
            "host name unknown",
        (SocketException { SocketErrorCode: SocketError.TryAgain }, false) => "host name not looked up",
        (_, true) => "the TLS handshake failed: " + (problem.InnerException ?? problem).Message,
        _ => problem.Message,
    };

    private async Task<Socket> ConnectAsync(HostPort target, CancellationToken stopping)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        deadline.CancelAfter(options.ConnectTimeout);
        IPAddress[] hosts = IPAddress.TryParse(target.Host, out IPAddress? literal)
            ? [literal]
            : await Dns.GetHostAddressesAsync(target.Host, deadline.Token).ConfigureAwait(false);
        if (hosts.Length == 0)
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }

        for (int at = 0; at < hosts.Length; at++)
        {
            hosts[at] = SourceAddress.Plain(hosts[at]); // a socket for IPv6 does not connect to IPv4
        }

        Random.Shared.Shuffle(hosts);
        TimeSpan patience = options.ConnectTimeout / hosts.Length;
        patience = patience < PatiencePerAddressMin ? PatiencePerAddressMin : patience;
        for (int tried = 0; ; tried++)
        {
            using var turn = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token);
            turn.CancelAfter(patience);

            var socket = new Socket(hosts[tried].AddressFamily, SocketType.Stream, ProtocolType.Tcp)
            {
                NoDelay = true,
            };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(hosts[tried], target.Port), turn.Token)
                    .ConfigureAwait(false);
                return socket;
            }
            catch (Exception problem) when (
                problem is SocketException or OperationCanceledException
                && tried + 1 < hosts.Length && !deadline.IsCancellationRequested)
            {
                socket.Dispose(); // the name has another address to try
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }
}
