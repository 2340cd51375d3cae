using System.Net.Sockets;

namespace Igor.Node.Transport.Links;

/// <summary>
/// Reads a connection's smoothed round-trip time from the kernel, which measures it on all traffic: no pings
/// needed.
/// </summary>
internal static class RoundTripMeter
{
    private const int ProtocolTcp = 6;
    private const int TcpInfo = 11;
    private const int RoundTripOffset = 68; // tcpi_rtt in struct tcp_info of linux/tcp.h, in microseconds
    private const int InfoBytes = 104;

    /// <summary>The round-trip time, or null where the platform has none.</summary>
    public static TimeSpan? Read(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        Span<byte> info = stackalloc byte[InfoBytes];
        try
        {
            int written = socket.GetRawSocketOption(ProtocolTcp, TcpInfo, info);
            return written < RoundTripOffset + sizeof(uint)
                ? null
                : TimeSpan.FromMicroseconds(BitConverter.ToUInt32(info[RoundTripOffset..]));
        }
        catch (Exception problem) when (problem is SocketException or ObjectDisposedException)
        {
            return null; // the connection has just broken; its reader tells
        }
    }
}
