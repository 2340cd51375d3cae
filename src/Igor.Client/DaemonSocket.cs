using System.Diagnostics;
using System.Net.Sockets;
using Igor.Kbr;
using Igor.Local.Paths;

namespace Igor.Client;

/// <summary>Opens the socket of a daemon, or says in words why not.</summary>
internal static class DaemonSocket
{
    private static readonly TimeSpan BacklogPause = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// Connects. A socket whose queue of connections is full is tried until the timeout: its daemon is busy,
    /// and the kernel refuses instead of waiting.
    /// </summary>
    /// <exception cref="KbrException">Nobody listens there, or the user may not connect.</exception>
    public static async Task<Socket> ConnectAsync(
        LocalSocketPlace place, TimeSpan timeout, CancellationToken cancellationToken)
    {
        LocalSocketPath.Check(place.Path);
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return await ConnectOnceAsync(place.Path, cancellationToken).ConfigureAwait(false);
            }
            catch (SocketException failure) when (
                failure.SocketErrorCode == SocketError.WouldBlock
                && Stopwatch.GetElapsedTime(started) + BacklogPause < timeout)
            {
                await Task.Delay(BacklogPause, cancellationToken).ConfigureAwait(false);
            }
            catch (SocketException failure)
            {
                throw Explain(place, timeout, failure);
            }
        }
    }

    /// <summary>Whether a failure to connect means that nobody listens.</summary>
    public static bool IsAbsence(KbrException exception) =>
        exception.InnerException is SocketException failure && IsAbsence(failure);

    /// <summary>How a message goes on about where the path came from; empty when nobody named it.</summary>
    public static string Origin(LocalSocketPlace place) =>
        place.NamedBy is { } name ? $" (the socket that {name} names)" : "";

    private static async Task<Socket> ConnectOnceAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(
                new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static bool IsAbsence(SocketException failure) =>
        failure.SocketErrorCode is SocketError.ConnectionRefused or SocketError.AddressNotAvailable
            or SocketError.HostNotFound;

    private static KbrException Explain(LocalSocketPlace place, TimeSpan timeout, SocketException failure)
    {
        string path = place.Path;
        string where = path + Origin(place);
        string start = $"Start a node there with 'igor-dht serve --socket {path}' or 'igord --socket "
            + $"{path}', or say with --socket PATH or IGOR_SOCKET where one listens.";
        string text = failure switch
        {
            { SocketErrorCode: SocketError.AccessDenied } =>
                $"No permission to use the daemon's socket {where}: run as the user that runs the daemon.",
            { SocketErrorCode: SocketError.WouldBlock } =>
                $"The daemon at {where} accepts nobody: its queue of connections was full for "
                + $"{timeout.TotalSeconds:0.#} s. It is overloaded or hangs: try again, or restart it.",
            _ when Directory.Exists(path) => $"No daemon listens at {where}, which is a folder. {start}",
            _ when !File.Exists(path) => $"No daemon listens at {where}: there is no such file. {start}",
            _ when IsAbsence(failure) =>
                $"No daemon listens at {where}: its daemon has ended, or it is no socket. {start}",
            _ => $"Cannot connect to the daemon at {where}: {failure.Message}.",
        };
        return new KbrException(text, failure);
    }
}
