using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Igor.Kbr;
using Igor.Node.Addresses;
using Igor.Node.Transport.Links;

namespace Igor.Node.Transport;

/// <summary>
/// Connects to a node at one of its addresses and secures the connection, with a deadline for each step.
/// Names are looked up anew each time; their IP addresses race like those of the node.
/// </summary>
internal sealed class TlsDialer(TlsHandshake handshake, TransportOptions options)
{
    /// <summary>IP addresses of one name that are tried: a host has hardly more.</summary>
    private const int HostsMax = 4;

    /// <summary>
    /// What answers a first packet gets so many times its round trip for the handshake, which takes one,
    /// before another address is begun: a second handshake would be wasted.
    /// </summary>
    private const int HandshakeRoundTrips = 3;

    /// <summary>Connects.</summary>
    /// <param name="expected">The node that should be there; null for any but this one.</param>
    /// <param name="addresses">Where it may be, the best first.</param>
    /// <param name="stopping">Gives up.</param>
    public Task<DialOutcome> DialAsync(
        Key? expected, IReadOnlyList<string> addresses, CancellationToken stopping) =>
        AddressRace.RunAsync(
            addresses.Count,
            AddressRace.Moment,
            (at, start) => DialAsync(expected, addresses[at], start),
            stopping);

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

    private static IPAddress[] InOrderOfTrial(IPAddress[] hosts)
    {
        // A socket for IPv6 does not connect to IPv4 in the form of IPv6.
        IPAddress[][] families = [.. hosts.Select(SourceAddress.Plain)
            .GroupBy(host => host.AddressFamily)
            .Select(family => family.ToArray())];
        foreach (IPAddress[] family in families)
        {
            Random.Shared.Shuffle(family); // one may lead to this very node, or to one that is dead
        }

        return [.. families.SelectMany(family => family.Select((host, rank) => (host, rank)))
            .OrderBy(place => place.rank) // families by turns
            .Select(place => place.host)
            .Take(HostsMax)];
    }

    private async Task<DialOutcome> DialAsync(Key? expected, string address, HeadStart start)
    {
        if (!HostPort.TryParse(address, out HostPort target) || target.Port == 0)
        {
            return DialOutcome.Failed($"'{address}' is no address (host:port)");
        }

        IPAddress[] hosts;
        try
        {
            hosts = InOrderOfTrial(await LookUpAsync(target.Host, start.Lost).ConfigureAwait(false));
        }
        catch (Exception problem) when (TlsLink.IsBroken(problem))
        {
            return DialOutcome.Failed(Cause(problem, isConnected: false));
        }

        return hosts.Length switch
        {
            0 => DialOutcome.Failed("host name unknown"),
            1 => await ConnectAsync(expected, new IPEndPoint(hosts[0], target.Port), start)
                .ConfigureAwait(false),
            _ => await AddressRace.RunAsync(
                hosts.Length,
                AddressRace.Moment,
                (at, own) => ConnectAsync(expected, new IPEndPoint(hosts[at], target.Port), own),
                start.Lost,
                start).ConfigureAwait(false),
        };
    }

    private async Task<IPAddress[]> LookUpAsync(string host, CancellationToken lost)
    {
        if (IPAddress.TryParse(host, out IPAddress? literal))
        {
            return [literal];
        }

        using CancellationTokenSource deadline = Deadline(options.ConnectTimeout, lost);
        return await Dns.GetHostAddressesAsync(host, deadline.Token).ConfigureAwait(false);
    }

    private async Task<DialOutcome> ConnectAsync(Key? expected, IPEndPoint target, HeadStart start)
    {
        var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        bool isConnected = false;
        try
        {
            long began = Stopwatch.GetTimestamp();
            using (CancellationTokenSource deadline = Deadline(options.ConnectTimeout, start.Lost))
            {
                await socket.ConnectAsync(target, deadline.Token).ConfigureAwait(false);
            }

            isConnected = true;
            TimeSpan handshakeTime = HandshakeRoundTrips * Stopwatch.GetElapsedTime(began);
            start.Renew(handshakeTime > AddressRace.Moment ? handshakeTime : AddressRace.Moment);
            using CancellationTokenSource patience = Deadline(options.HandshakeTimeout, start.Lost);
            SecuredSocket secured =
                await handshake.ConnectAsync(socket, patience.Token).ConfigureAwait(false);
            bool isWanted = expected is { } node ? secured.Peer == node : secured.Peer != handshake.Self;
            return new DialOutcome(secured, isWanted, string.Empty);
        }
        catch (Exception problem) when (TlsLink.IsBroken(problem))
        {
            socket.Dispose();
            return DialOutcome.Failed(Cause(problem, isConnected));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static CancellationTokenSource Deadline(TimeSpan time, CancellationToken lost)
    {
        var deadline = CancellationTokenSource.CreateLinkedTokenSource(lost);
        deadline.CancelAfter(time);
        return deadline;
    }
}
