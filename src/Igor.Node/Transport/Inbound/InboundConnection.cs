using System.Net;
using System.Net.Sockets;
using Igor.Node.Addresses;
using Igor.Node.Transport.Links;

namespace Igor.Node.Transport.Inbound;

/// <summary>
/// A connection that came in, before it is a link. While it is silent it costs a socket and nothing else: no
/// buffer, no timer, no TLS.
/// </summary>
internal sealed class InboundConnection
{
    /// <summary>Room for what clients say first; more is taken only for a record that announces it.</summary>
    private const int FirstBytes = 512;

    private string? _cause;

    /// <summary>Takes over a connection that was accepted.</summary>
    public InboundConnection(Socket socket, TimeSpan now)
    {
        Socket = socket;
        AcceptedAt = now;
        var remote = (IPEndPoint)socket.RemoteEndPoint!;
        Remote = SourceAddress.TextOf(remote);
        Source = SourceAddress.Of(remote.Address);
    }

    /// <summary>host:port of the other end.</summary>
    public string Remote { get; }

    /// <summary>What bounds by address are held for.</summary>
    public IPAddress Source { get; }

    /// <summary>Whether the other end has not closed it.</summary>
    public bool IsThere
    {
        get
        {
            try
            {
                return !Socket.Poll(0, SelectMode.SelectRead) || Socket.Available > 0;
            }
            catch (Exception problem) when (TlsLink.IsBroken(problem))
            {
                return false;
            }
        }
    }

    /// <summary>When it was accepted.</summary>
    public TimeSpan AcceptedAt { get; }

    /// <summary>Whether anything has come.</summary>
    public bool HasSpoken { get; private set; }

    /// <summary>The connection from its first byte on, once the client has said what it says first.</summary>
    public ReplayedStream? Stream { get; private set; }

    /// <summary>When it had said all that comes before the handshake.</summary>
    public TimeSpan ReadyAt { get; set; }

    /// <summary>Since when the handshake is under way.</summary>
    public TimeSpan SecuringSince { get; set; }

    /// <summary>Cancelled when its handshake is given up for those of others.</summary>
    public CancellationTokenSource GivenUp { get; } = new();

    /// <summary>The TCP connection.</summary>
    public Socket Socket { get; }

    /// <summary>Why it was closed; null while it was not.</summary>
    public string? Cause => Volatile.Read(ref _cause);

    /// <summary>Waits for the whole of the record with which a TLS client begins.</summary>
    /// <returns>False when it cannot be TLS or has ended.</returns>
    public async Task<bool> TryReceiveClientHelloAsync()
    {
        await Socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None).ConfigureAwait(false);
        byte[] first = new byte[FirstBytes];
        int length = 0;
        while (true)
        {
            int received = await Socket.ReceiveAsync(first.AsMemory(length), SocketFlags.None)
                .ConfigureAwait(false);
            length += received;
            HasSpoken = length > 0;
            ReadOnlyMemory<byte> there = first.AsMemory(0, length);
            if (received == 0 || !ClientHelloRecord.IsPossible(there.Span))
            {
                Close(received > 0 ? "it does not speak TLS"
                    : length > 0 ? "it was closed within what it said first"
                    : "it was closed before it said anything");
                return false;
            }

            int whole = ClientHelloRecord.LengthOf(there.Span);
            if (length >= whole && length > ClientHelloRecord.HeaderBytes)
            {
                Socket.NoDelay = true;
                Stream = new ReplayedStream(Socket, there);
                return true;
            }

            if (whole > first.Length)
            {
                Array.Resize(ref first, whole);
            }
        }
    }

    /// <summary>Closes it; whatever waits for it ends.</summary>
    public void Close(string cause)
    {
        if (Interlocked.CompareExchange(ref _cause, cause, null) is null)
        {
            Socket.Dispose();
        }
    }
}
