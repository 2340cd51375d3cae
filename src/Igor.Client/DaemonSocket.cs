using System.Net.Sockets;
using Igor.Kbr;
using Igor.LocalSocket;

namespace Igor.Client;

/// <summary>Opens the socket of a daemon, or says in words why not.</summary>
internal static class DaemonSocket
{
    /// <summary>Connects.</summary>
    /// <exception cref="KbrException">Nobody listens there, or the user may not connect.</exception>
    public static async Task<Socket> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        LocalSocketPath.Check(path);
        Socket? socket = null;
        try
        {
            socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(
                new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch (Exception exception)
        {
            socket?.Dispose();
            if (exception is SocketException failure)
            {
                throw Explain(path, failure);
            }

            throw;
        }
    }

    /// <summary>Connects, or returns null when no daemon runs there.</summary>
    /// <exception cref="KbrException">The user may not connect, or the path cannot be used.</exception>
    public static async Task<Socket?> TryConnectAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await ConnectAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (KbrException exception) when (exception.InnerException is SocketException failure
            && IsAbsence(failure))
        {
            return null;
        }
    }

    private static bool IsAbsence(SocketException failure) =>
        failure.SocketErrorCode is SocketError.ConnectionRefused or SocketError.AddressNotAvailable
            or SocketError.HostNotFound || IsMissingFile(failure);

    private static KbrException Explain(string path, SocketException failure)
    {
        string text = failure switch
        {
            { SocketErrorCode: SocketError.AccessDenied } =>
                $"No permission to use the daemon's socket {path}: run as the user that runs the daemon.",
            _ when IsAbsence(failure) =>
                $"No daemon listens at {path}. Start one with 'igord', or say where it is with --socket PATH "
                + "or IGOR_SOCKET.",
            _ => $"Cannot connect to the daemon at {path}: {failure.Message}.",
        };
        return new KbrException(text, failure);
    }

    private static bool IsMissingFile(SocketException failure)
    {
        const int NoSuchFile = 2; // ENOENT, ENOTDIR: no SocketError stands for them
        const int NotFolder = 20;
        return failure.NativeErrorCode is NoSuchFile or NotFolder;
    }
}
