using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Igor.Node.Identity;
using Igor.Node.Transport.Links;

namespace Igor.Benchmarks;

/// <summary>
/// What the handshakes of a link cost on the wire, as the kernel counts bytes and packets (Linux, IPv4).
/// </summary>
internal static class LinkCost
{
    private const int ProtocolTcp = 6;
    private const int TcpInfo = 11;
    private const int BytesReceivedOffset = 128; // tcpi_bytes_received, tcpi_segs_out of linux/tcp.h
    private const int PacketsSentOffset = 136;
    private const int PacketHeaderBytes = 20 + 20 + 12; // IP, TCP, its timestamps
    private const int FirstPacketBytes = 8; // what the options of the first packet take beyond that
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(300);

    /// <summary>Opens a link in this process and writes what each side sent.</summary>
    public static async Task RunAsync(CancellationToken stop)
    {
        using NodeIdentity dialler = NodeIdentity.CreateEphemeral();
        using NodeIdentity other = NodeIdentity.CreateEphemeral();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
        };
        await socket.ConnectAsync(listener.LocalEndpoint, stop).ConfigureAwait(false);
        Socket accepted = await listener.AcceptSocketAsync(stop).ConfigureAwait(false);
        SecuredSocket[] ends = await Task.WhenAll(
            new TlsHandshake(dialler).ConnectAsync(socket, stop),
            new TlsHandshake(other).AcceptAsync(accepted, new NetworkStream(accepted, true), stop))
            .ConfigureAwait(false);
        await Task.Delay(Quiet, stop).ConfigureAwait(false); // tickets and acknowledgements come behind it
        int sum = Tell("dialler", sender: ends[0].Socket, receiver: ends[1].Socket)
            + Tell("other", sender: ends[1].Socket, receiver: ends[0].Socket);
        Write($"together {sum} bytes");
        Array.ForEach(ends, end => end.Dispose());
    }

    private static int Tell(string side, Socket sender, Socket receiver)
    {
        int bytes = (int)BitConverter.ToInt64(Info(receiver), BytesReceivedOffset);
        int packets = (int)BitConverter.ToUInt32(Info(sender), PacketsSentOffset);
        int onWire = bytes + (packets * PacketHeaderBytes) + FirstPacketBytes;
        Write($"{side} {bytes} bytes of TLS in {packets} packets, {onWire} on the wire");
        return onWire;
    }

    private static void Write(FormattableString line) =>
        Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private static byte[] Info(Socket socket)
    {
        byte[] info = new byte[256];
        socket.GetRawSocketOption(ProtocolTcp, TcpInfo, info);
        return info;
    }
}
