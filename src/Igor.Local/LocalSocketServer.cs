using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Reflection;
using Igor.Kbr;
using Igor.Local.Protocol;
using Igor.Local.Sockets;

namespace Igor.Local;

/// <summary>
/// Serves the applications on this host: the KBR interface of a node over a Unix domain socket that only its
/// owner (and root) may use. See docs/protocol.md, "Local protocol".
/// </summary>
public sealed class LocalSocketServer : IAsyncDisposable
{
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<LocalSession, Place> _sessions = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly LocalSocketServerOptions _options;
    private readonly IKbrHost _host;
    private readonly SocketFile _file;
    private readonly ITimer _looks;
    private readonly Task _accepting;
    private long _lastSession;
    private readonly TimeSignal _signal;
    private readonly ITimer _signalling;

    private LocalSocketServer(IKbrHost host, LocalSocketServerOptions options, SocketFile file)
    {
        _host = host;
        _options = options;
        _file = file;
        TimeSpan period = options.StallTimeout / 2;
        _looks = TimeProvider.System.CreateTimer(_ => CloseStalled(), null, period, period);
        _accepting = Task.Run(AcceptAsync);
        _signal = new TimeSignal(() => host.Time, TimeProvider.System);
        _signalling = TimeProvider.System.CreateTimer(
            _ => TellTime(), null, TimeSignal.Period, TimeSignal.Period);
    }

    /// <summary>The socket's path.</summary>
    public string Path => _options.Path;

    /// <summary>Number of applications that are connected.</summary>
    public int SessionCount => _sessions.Count;

    /// <summary>The version told to applications.</summary>
    internal static string ProgramVersion { get; } =
        typeof(LocalSocketServer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion.Split('+')[0] ?? "0";

    /// <summary>Opens the socket. The host stays the caller's, who disposes the server before it.</summary>
    /// <exception cref="KbrException">
    /// Another daemon serves the socket, or the path cannot be used; the message says what to do.
    /// </exception>
    public static LocalSocketServer Start(IKbrHost host, LocalSocketServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(options);
        options = options with { Path = System.IO.Path.GetFullPath(options.Path) };
        var server = new LocalSocketServer(host, options, SocketFile.Claim(options.Path));
        LocalSocketLog.Listening(options.Logger, options.Path);
        return server;
    }

    /// <summary>Stops listening, disconnects the applications and unsubscribes their services.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_closing.IsCancellationRequested)
        {
            return;
        }

        await _closing.CancelAsync().ConfigureAwait(false);
        await _signalling.DisposeAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        await _looks.DisposeAsync().ConfigureAwait(false);
        _file.Dispose();

        // At one moment: a spread would not be.
        KeyValuePair<LocalSession, Place>[] sessions = _sessions.ToArray();
        foreach ((LocalSession session, _) in sessions)
        {
            session.Close();
        }

        await Task.WhenAll(sessions.Select(entry => entry.Value.Running)).ConfigureAwait(false);
        _closing.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                Admit(await _file.Listener.AcceptAsync(_closing.Token).ConfigureAwait(false));
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException exception)
            {
                // Out of file descriptors, say: the next attempt may work, and must not spin.
                LocalSocketLog.AcceptFailed(_options.Logger, exception.Message);
                await Task.Delay(AcceptPause, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private void TellTime()
    {
        if (_signal.Next() is { } time)
        {
            foreach (LocalSession session in _sessions.Keys.Where(session => session.IsGreeted))
            {
                session.Send(new TimeFrame(time));
            }
        }
    }

    private void Admit(Socket socket)
    {
        PeerCredentials peer = PeerCredentials.Of(socket);
        if (!peer.IsAllowed)
        {
            Refuse(
                socket,
                RefusalCode.Permission,
                $"The daemon runs as user {PeerCredentials.OwnUser} and serves no other; "
                + $"you are {peer.User}.");
        }
        else if (!TryMakeRoom())
        {
            Refuse(
                socket,
                RefusalCode.TooMany,
                $"The daemon serves {_options.SessionsMax} applications already.");
        }
        else
        {
            IApplicationShare? share = (_host as ISharingHost)?.OpenShare();
            var session = new LocalSession(socket, _host, _options, share, peer.Process);
            var running = new Task<Task>(() => ServeAsync(session));
            _sessions[session] = new Place(running.Unwrap(), ++_lastSession, peer.Process);
            running.Start(TaskScheduler.Default);
        }
    }

    /// <summary>
    /// When all places are taken, a connection that has said nothing gives way; then the oldest without a
    /// service, of the process that has most.
    /// </summary>
    private bool TryMakeRoom()
    {
        if (_sessions.Count < _options.SessionsMax)
        {
            return true;
        }

        var sessions = _sessions.OrderBy(session => session.Value.Number).ToArray();
        LocalSession? victim = sessions.FirstOrDefault(session => !session.Key.IsGreeted).Key
            ?? sessions.GroupBy(session => session.Value.Process)
                .Where(process => process.Count() > 1)
                .OrderByDescending(process => process.Count())
                .SelectMany(process => process)
                .FirstOrDefault(session => session.Key.IsIdle).Key;
        victim?.Evict();
        return victim is not null;
    }

    private void CloseStalled()
    {
        TimeSpan now = TimeProvider.System.GetElapsedTime(0);
        foreach (LocalSession session in _sessions.Keys)
        {
            session.CloseWhenStalled(now);
        }
    }

    private async Task ServeAsync(LocalSession session)
    {
        try
        {
            await session.RunAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            LocalSocketLog.SessionFailed(_options.Logger, exception); // the other sessions go on
        }

        _sessions.TryRemove(session, out _);
        session.Dispose();
    }

    private void Refuse(Socket socket, RefusalCode code, string text)
    {
        LocalSocketLog.Refused(_options.Logger, text);
        var refusing = new FrameSocket(socket, 0, _options.OutgoingBytesMax);
        refusing.TrySend(new RefusedFrame(0, code, text));
        refusing.CloseWhenSent();
    }

    /// <summary>What decides whether a session keeps its place.</summary>
    private readonly record struct Place(Task Running, long Number, int Process);
}
