using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Igor.Kbr;
using Igor.Local.Protocol;
using Igor.Local.Paths;
using Igor.Local.Sockets;

namespace Igor.Client;

/// <summary>
/// One connection to a daemon, from its hello to its end: pairs calls and requests with their answers and
/// hands upcalls to the client. Numbers in it mean nothing to another connection; the client makes a new one
/// for that.
/// </summary>
internal sealed class DaemonConnection : IDisposable
{
    private readonly ConcurrentDictionary<long, TaskCompletionSource<LocalFrame>> _calls = new();
    private readonly TaskCompletionSource<LocalFrame> _greeting = new(
        TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly FrameSocket _socket;
    private readonly Action<LocalFrame> _handleUpcall;
    private readonly string _path;
    private WelcomeFrame? _welcome;
    private long _lastCall;
    private volatile bool _hasEnded;

    private DaemonConnection(
        Socket socket,
        IgorClientOptions options,
        string path,
        UpcallGate gate,
        Action<LocalFrame> handleUpcall)
    {
        _path = path;
        _handleUpcall = handleUpcall;
        _socket = new FrameSocket(socket, LocalProtocol.BodyBytesMax, options.OutgoingBytesMax);
        Requests = new SentRequests(gate, id => _socket.TrySend(new CancelFrame(id)), options.RequestsMax);
        Ended = ReadAsync();
    }

    /// <summary>What the daemon said of itself.</summary>
    public WelcomeFrame Welcome =>
        _welcome ?? throw new InvalidOperationException("The daemon has not said welcome.");

    /// <summary>The time as the daemon tells it.</summary>
    public DaemonClock Clock { get; } = new();

    /// <summary>Requests that wait for their end.</summary>
    public SentRequests Requests { get; }

    /// <summary>Completes, with the cause, when the connection has ended; upcalls are over then.</summary>
    public Task<string> Ended { get; }

    /// <summary>Connects and says hello.</summary>
    /// <param name="options">How long that may take, and more.</param>
    /// <param name="place">The socket.</param>
    /// <param name="network">The network that the node must belong to; null for any.</param>
    /// <param name="gate">Runs callbacks.</param>
    /// <param name="handleUpcall">Gets what the daemon sends unasked.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="KbrException">Nobody serves us there; the message says why.</exception>
    public static async Task<DaemonConnection> OpenAsync(
        IgorClientOptions options,
        LocalSocketPlace place,
        string? network,
        UpcallGate gate,
        Action<LocalFrame> handleUpcall,
        CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        Socket socket = await DaemonSocket.ConnectAsync(place, options.ConnectTimeout, cancellationToken)
            .ConfigureAwait(false);
        var connection = new DaemonConnection(socket, options, place.Path, gate, handleUpcall);
        try
        {
            TimeSpan rest = options.ConnectTimeout - Stopwatch.GetElapsedTime(started);
            await connection.GreetAsync(
                options, place, rest > TimeSpan.Zero ? rest : TimeSpan.Zero, cancellationToken)
                .ConfigureAwait(false);
            connection.CheckNetwork(place, network);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Sends a small frame; false when the buffer is full or the connection has ended.</summary>
    public bool TrySend(LocalFrame frame) => _socket.TrySend(frame);

    /// <summary>
    /// Sends a frame with a payload; false when the buffer is full or the connection has ended.
    /// </summary>
    public bool TrySendPayload(LocalFrame frame) => _socket.TrySendPayload(frame);

    /// <summary>Sends a frame that has an answer, and waits for that answer.</summary>
    /// <exception cref="KbrException">The daemon refused, or the connection ended.</exception>
    public async Task<T> CallAsync<T>(Func<long, LocalFrame> makeFrame, CancellationToken cancellationToken)
        where T : LocalFrame
    {
        LocalFrame answer = await AskAsync(makeFrame, cancellationToken).ConfigureAwait(false);
        return answer as T ?? throw Refusal(answer);
    }

    /// <summary>Sends a frame that has an answer, and waits for any, a refusal too.</summary>
    /// <exception cref="KbrException">The connection ended, or is of no use.</exception>
    public async Task<LocalFrame> AskAsync(
        Func<long, LocalFrame> makeFrame, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        long call = Interlocked.Increment(ref _lastCall);
        var completion = new TaskCompletionSource<LocalFrame>(
            TaskCreationOptions.RunContinuationsAsynchronously);
        _calls[call] = completion;
        try
        {
            if (_hasEnded || !_socket.TrySend(makeFrame(call)))
            {
                throw Lost("it cannot be written to");
            }

            return await completion.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _calls.TryRemove(call, out _);
        }
    }

    /// <summary>What an answer that is not the wanted one means.</summary>
    public KbrException Refusal(LocalFrame answer) => new(answer is RefusedFrame refused
        ? refused.Text
        : $"The daemon at {_path} answered with a {answer.GetType().Name}.");

    /// <summary>Closes the connection.</summary>
    public void Dispose() => _socket.Dispose();

    /// <summary>Closes the connection when what was sent has left.</summary>
    public void CloseWhenSent() => _socket.CloseWhenSent();

    private async Task GreetAsync(
        IgorClientOptions options,
        LocalSocketPlace place,
        TimeSpan timeout,
        CancellationToken cancellationToken)
    {
        string where = place.Path + DaemonSocket.Origin(place);
        _socket.TrySend(
            new HelloFrame(LocalProtocol.VersionMin, LocalProtocol.VersionMax, options.Application));
        LocalFrame answer;
        try
        {
            answer = await _greeting.Task.WaitAsync(timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException exception)
        {
            throw new KbrException(
                $"The daemon at {where} did not answer within {options.ConnectTimeout.TotalSeconds:0.#} s: "
                + "it hangs, or what listens there is no igord and no igor-dht serve. Restart it, or name "
                + "another socket with --socket PATH or IGOR_SOCKET.",
                exception);
        }
        catch (KbrException exception)
        {
            throw new KbrException(
                $"What listens at {where} is no igord and no igor-dht serve, or is just ending: "
                + $"{exception.Message} Try again, or name another socket with --socket PATH or IGOR_SOCKET.",
                exception);
        }

        switch (answer)
        {
            case WelcomeFrame { Version: >= LocalProtocol.VersionMin and <= LocalProtocol.VersionMax }:
                break;
            case WelcomeFrame welcome:
                throw new KbrException(
                    $"The daemon at {where} speaks version {welcome.Version} of the local protocol, this "
                    + $"program {LocalProtocol.VersionMin} to {LocalProtocol.VersionMax}: "
                    + "update the older of the two.");
            case RefusedFrame refused:
                throw new KbrException($"The daemon at {where} refused: {refused.Text}");
            default:
                throw new KbrException(
                    $"What listens at {where} is no igord: it began with a {answer.GetType().Name}.");
        }
    }

    private void CheckNetwork(LocalSocketPlace place, string? network)
    {
        if (network is not null && network != Welcome.Network)
        {
            throw new KbrException(
                $"The node at {place.Path}{DaemonSocket.Origin(place)} belongs to the network "
                + $"'{Welcome.Network}', not to '{network}'. Name the network that is meant with --network "
                + "NAME, or the socket of a node that belongs to it with --socket PATH.");
        }
    }

    private async Task<string> ReadAsync()
    {
        await Task.Yield(); // the constructor has to end first
        string? error = null;
        string? fault = await _socket.ReadAsync(body =>
        {
            bool isRead = LocalFrameReader.TryRead(body, out LocalFrame? frame, out error);
            if (isRead)
            {
                Handle(frame!);
            }

            return isRead;
        }).ConfigureAwait(false);

        string cause =
            error is not null ? $"a frame could not be read: {error}" : fault ?? "the daemon closed it";
        _hasEnded = true;
        _socket.Dispose();
        _greeting.TrySetException(Lost(cause));
        foreach (TaskCompletionSource<LocalFrame> call in _calls.Values)
        {
            call.TrySetException(Lost(cause));
        }

        Requests.Dispose();
        return cause;
    }

    private void Handle(LocalFrame frame)
    {
        switch (frame)
        {
            case ResultFrame result:
                Requests.Complete(
                    result.Request,
                    new KbrReply(result.Status, result.Responder, result.Payload) { Error = result.Error });
                break;
            case DeliverFrame or ForwardFrame or UpdateFrame:
                _handleUpcall(frame);
                break;
            case SubscribedFrame subscribed:
                Answer(subscribed.Call, frame);
                break;
            case UnsubscribedFrame unsubscribed:
                Answer(unsubscribed.Call, frame);
                break;
            case StatusResultFrame status:
                Answer(status.Call, frame);
                break;
            case RefusedFrame { Call: not 0 } refused:
                Answer(refused.Call, frame);
                break;
            case RefusedFrame refused when _greeting.Task.IsCompleted:
                _handleUpcall(refused);
                break;
            case TimeFrame time:
                Clock.Hear(time.Time);
                break;
            case WelcomeFrame welcome:
                Clock.Hear(welcome.Time);
                _welcome ??= welcome;
                _greeting.TrySetResult(frame);
                break;
            default:
                _greeting.TrySetResult(frame); // of a later version, unless it is the first
                break;
        }
    }

    private void Answer(long call, LocalFrame frame)
    {
        if (_calls.TryGetValue(call, out TaskCompletionSource<LocalFrame>? completion))
        {
            completion.TrySetResult(frame);
        }
    }

    private KbrException Lost(string cause) =>
        new($"The connection to the daemon at {_path} is lost: {cause}.");
}
