using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Igor.Kbr;
using Igor.Node.Reporting;
using Igor.Node.Transport.Admission;
using Igor.Node.Transport.Links;
using Microsoft.Extensions.Logging;

namespace Igor.Node.Transport.Inbound;

/// <summary>
/// From an accepted connection to a secured one. Everything is taken in at once and waits where that costs
/// next to nothing: for its first bytes, then for its turn. Only what has said all that a TLS client says
/// first gets a handshake: so many in a second, from each address in turn. Whoever leaves it half done keeps
/// its place until others need it, and then its socket alone: whoever is closed comes again, before those
/// that wait. Nobody is refused because many came before: the oldest of the address
/// that has most gives way.
/// </summary>
internal sealed class InboundConnections : IDisposable
{
    /// <summary>
    /// Whoever waits for its turn longer has given up. To close them sooner would only make those come again
    /// that come in masses, before others.
    /// </summary>
    private static readonly TimeSpan TurnPatience = TimeSpan.FromMinutes(1);

    /// <summary>
    /// What is ready no longer than this waits in a row; in a flood each that is closed comes again at once,
    /// and to serve only the newest would be to serve only those.
    /// </summary>
    private static readonly TimeSpan FreshTime = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan SweepPeriod = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Handshakes that gather while few come, as seconds of their rate: a network that starts as a whole has
    /// its links at once, while those of a flood that lasts leave the processor to who is in.
    /// </summary>
    private const int BurstSeconds = 4;

    /// <summary>One refusal in this time is told to whoever reads the log, however many there are.</summary>
    private static readonly TimeSpan TellPeriod = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly SourceTable<InboundConnection> _silent = new();
    private readonly SourceTable<InboundConnection> _ready = new();
    private readonly SourceTable<InboundConnection> _securing = new();
    private readonly SourceTable<InboundConnection> _parked = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TlsHandshake _handshake;
    private readonly TransportOptions _options;
    private readonly InboundCounters _counters;
    private readonly Action<SecuredSocket> _secured;
    private readonly ILogger _log;
    private readonly Timer _sweep;
    private readonly TokenBucket _pace;
    private readonly int _waitingMax;
    private TimeSpan _toldAt = -TellPeriod;
    private bool _isTakingTurns;
    private bool _isSweepSet;

    /// <summary>Makes an empty one.</summary>
    /// <param name="handshake">Makes the handshakes.</param>
    /// <param name="options">The bounds.</param>
    /// <param name="counters">Where refusals are counted.</param>
    /// <param name="secured">Gets each secured connection.</param>
    /// <param name="log">Where refusals are told.</param>
    public InboundConnections(
        TlsHandshake handshake,
        TransportOptions options,
        InboundCounters counters,
        Action<SecuredSocket> secured,
        ILogger log)
    {
        _handshake = handshake;
        _options = options;
        _counters = counters;
        _secured = secured;
        _log = log;
        _waitingMax = Math.Min(options.PendingConnectionsMax, OpenFiles.Max / 4);
        _pace = new TokenBucket(
            options.HandshakesPerSecondMax, options.HandshakesPerSecondMax * BurstSeconds);
        _sweep = new Timer(_ => Sweep(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many there are.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _silent.Count + _ready.Count + _securing.Count + _parked.Count;
            }
        }
    }

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <summary>Takes a connection in.</summary>
    public void Take(Socket socket)
    {
        InboundConnection connection;
        try
        {
            connection = new InboundConnection(socket, Now);
        }
        catch (Exception problem) when (TlsLink.IsBroken(problem))
        {
            socket.Dispose(); // it was reset before it was looked at
            return;
        }

        lock (_gate)
        {
            _silent.Add(connection.Source, connection);
            if (!_isSweepSet)
            {
                SetSweep();
            }
        }

        EvictWaiting();
        _ = ReceiveAsync(connection);
    }

    /// <summary>Closes what costs least, so that the system has a socket for others again.</summary>
    /// <returns>False when there is nothing.</returns>
    public bool TryFreeSocket()
    {
        InboundConnection? evicted;
        lock (_gate)
        {
            if (!TryEvictWaiting(out evicted) && !_securing.TryEvict(out evicted))
            {
                return false;
            }
        }

        Refuse(evicted, InboundRefusal.EvictedWaiting, "the system has no sockets left and it was silent");
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Cancel();
        _sweep.Dispose();
        InboundConnection[] all;
        lock (_gate)
        {
            all =
            [
                .. _silent.Snapshot(),
                .. _ready.Snapshot(),
                .. _securing.Snapshot(),
                .. _parked.Snapshot(),
            ];
        }

        foreach (InboundConnection connection in all)
        {
            connection.Close("the node is closed");
        }
    }

    private void SetSweep() => _isSweepSet = _sweep.Change(SweepPeriod, Timeout.InfiniteTimeSpan);

    private void EvictWaiting()
    {
        while (true)
        {
            InboundConnection? evicted;
            lock (_gate)
            {
                if (_silent.Count + _ready.Count + _parked.Count <= _waitingMax
                    || !TryEvictWaiting(out evicted))
                {
                    return;
                }
            }

            Refuse(evicted, InboundRefusal.EvictedWaiting, "too many wait and it has waited longest");
        }
    }

    /// <summary>
    /// Takes the oldest of the address that has most, whatever those wait for: who comes while others fill
    /// the place with what is said already has not had its time yet.
    /// </summary>
    private bool TryEvictWaiting([NotNullWhen(true)] out InboundConnection? evicted)
    {
        SourceTable<InboundConnection> fullest = _parked;
        foreach (SourceTable<InboundConnection> table in (SourceTable<InboundConnection>[])[_silent, _ready])
        {
            fullest = table.LargestCount > fullest.LargestCount ? table : fullest;
        }

        return fullest.TryEvict(out evicted);
    }

    private async Task ReceiveAsync(InboundConnection connection)
    {
        bool isReady = false;
        try
        {
            isReady = await connection.TryReceiveClientHelloAsync().ConfigureAwait(false);
        }
        catch (Exception problem) when (TlsLink.IsBroken(problem))
        {
            connection.Close(problem.Message); // that it was closed here, unless the other end was first
        }

        lock (_gate)
        {
            if (!_silent.Remove(connection.Source, connection))
            {
                return; // it gave way, or its time was over
            }

            if (isReady)
            {
                connection.ReadyAt = Now;
                _ready.Add(connection.Source, connection);
                isReady = !_isTakingTurns;
                _isTakingTurns = true;
            }
        }

        if (connection.Stream is null)
        {
            Refuse(connection, InboundRefusal.Handshake, "the TLS handshake failed: " + connection.Cause);
        }
        else if (isReady)
        {
            _ = Task.Run(TakeTurnsAsync);
        }
    }

    /// <summary>
    /// Begins handshakes one after the other. All that one costs before the other end has to answer is done
    /// when <see cref="SecureAsync"/> returns.
    /// </summary>
    private async Task TakeTurnsAsync()
    {
        while (TryTakeTurn(out InboundConnection? next))
        {
            if (!next.IsThere)
            {
                Forget(next);
                continue; // it has given up, which costs nothing
            }

            _ = SecureAsync(next);
            TimeSpan wait = _pace.Take(Now, 1);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait).ConfigureAwait(false);
            }
        }
    }

    private static bool IsFresh(InboundConnection connection) => Now - connection.ReadyAt < FreshTime;

    private bool TryTakeTurn([NotNullWhen(true)] out InboundConnection? next)
    {
        InboundConnection? evicted = null;
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested || !_ready.TryTakeNext(IsFresh, out next))
            {
                next = null;
                _isTakingTurns = false;
                return false;
            }

            if (_securing.Count >= _options.HandshakesMax)
            {
                _securing.TryEvict(out evicted);
                _parked.Add(evicted!.Source, evicted);
            }

            next.SecuringSince = Now;
            _securing.Add(next.Source, next);
        }

        if (evicted is not null)
        {
            _counters.CountRefused(InboundRefusal.EvictedHandshake);
            evicted.GivenUp.Cancel();
        }

        return true;
    }

    private void Forget(InboundConnection connection)
    {
        lock (_gate)
        {
            _securing.Remove(connection.Source, connection);
        }

        Refuse(connection, InboundRefusal.Unfinished, "it went away before its turn came");
    }

    private async Task SecureAsync(InboundConnection connection)
    {
        SecuredSocket? secured = null;
        string cause = string.Empty;
        try
        {
            secured = await _handshake
                .AcceptAsync(connection.Socket, connection.Stream!, connection.GivenUp.Token)
                .ConfigureAwait(false);
        }
        catch (Exception problem) when (TlsLink.IsBroken(problem))
        {
            cause = "the TLS handshake failed: " + (problem.InnerException ?? problem).Message;
        }

        bool isOurs;
        lock (_gate)
        {
            isOurs = _securing.Remove(connection.Source, connection)
                || (secured is not null && _parked.Remove(connection.Source, connection));
        }

        if (secured is not null && isOurs)
        {
            _secured(secured);
        }
        else if (secured is not null)
        {
            secured.Dispose();
        }
        else if (isOurs)
        {
            Refuse(connection, InboundRefusal.Handshake, cause);
        }
    }

    /// <summary>Closes what has not said its part in time.</summary>
    private void Sweep()
    {
        var late = new List<(InboundConnection Connection, InboundRefusal Why)>();
        TimeSpan now = Now;
        void Collect(
            SourceTable<InboundConnection> table,
            InboundRefusal why,
            Func<InboundConnection, (TimeSpan Since, TimeSpan Patience)> terms)
        {
            foreach (InboundConnection connection in table.Snapshot())
            {
                (TimeSpan since, TimeSpan patience) = terms(connection);
                if (now - since > patience && table.Remove(connection.Source, connection))
                {
                    late.Add((connection, why));
                }
            }
        }

        lock (_gate)
        {
            // What has begun to speak gets the same time again for the rest.
            Collect(_silent, InboundRefusal.Silent, connection =>
                (connection.AcceptedAt, _options.FirstBytesTimeout * (connection.HasSpoken ? 2 : 1)));
            Collect(_ready, InboundRefusal.EvictedWaiting, connection =>
                (connection.AcceptedAt, TurnPatience));
            Collect(_parked, InboundRefusal.Unfinished, connection =>
                (connection.AcceptedAt, TurnPatience));
            Collect(_securing, InboundRefusal.Unfinished, connection =>
                (connection.SecuringSince, _options.HandshakeTimeout));
            _isSweepSet = false;
            if (Count > 0 && !_stopping.IsCancellationRequested)
            {
                SetSweep();
            }
        }

        foreach ((InboundConnection connection, InboundRefusal why) in late)
        {
            Refuse(connection, why, "the TLS handshake took too long");
        }
    }

    private void Refuse(InboundConnection connection, InboundRefusal why, string cause)
    {
        connection.Close(cause);
        if (!_stopping.IsCancellationRequested)
        {
            _counters.CountRefused(why);
            TimeSpan now = Now;
            bool isFirst = now - _toldAt > TellPeriod;
            _toldAt = isFirst ? now : _toldAt;
            LogLevel level = isFirst ? LogLevel.Information : LogLevel.Debug;
            NodeLog.ConnectionRefused(_log, level, connection.Remote, cause);
        }
    }
}
