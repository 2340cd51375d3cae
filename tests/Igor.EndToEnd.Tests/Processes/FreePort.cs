using System.Net;
using System.Net.Sockets;

namespace Igor.EndToEnd.Processes;

/// <summary>
/// Ports that a node can keep over restarts: below those that systems give to outgoing connections, which
/// would take the port of a node that is dead for a moment.
/// </summary>
internal static class FreePort
{
    private const int First = 12_000;
    private const int Last = 31_000;
    private static int s_next = Random.Shared.Next(First, Last);

    /// <summary>An address on loopback that nobody listens at.</summary>
    public static string Address() => $"127.0.0.1:{Next()}";

    /// <summary>A port on loopback that nobody listens at.</summary>
    public static int Next()
    {
        while (true)
        {
            int port = First + (Interlocked.Increment(ref s_next) % (Last - First));
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody else's.
            }
        }
    }
}
