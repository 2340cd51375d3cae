using System.Diagnostics;
using System.Net.Sockets;
using Igor.Kbr;
using Igor.Local.Protocol;
using Igor.Local.Sockets;

namespace Igor.Local;

/// <summary>
/// One application at the local socket: its frames become downcalls of the host, the host's upcalls become
/// frames. When it goes, however it goes, its services are unsubscribed and the messages it was asked about
/// go on.
/// </summary>
internal sealed class LocalSession : IDisposable
{
    private const int CallsMax = 64; // the node's queue takes them all; a client waits for each it makes
    private const int CallsPerSecond = 200; // a status names all peers: 50 KB of text
    private const int CallsAtOnceMax = 400;
    private const int NameLengthMax = 64;
    private const int StalledBytesMin = 256 * 1024; // one that has paused and costs little stays
    private const string DoesNotRead = "it does not read what it is sent";
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly LocalAttachments _attachments;
    private readonly HashSet<long> _requests = [];
    private readonly CancellationTokenSource _helloDeadline = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly FrameSocket _socket;
    private readonly IKbrHost _host;
    private readonly LocalSocketServerOptions _options;
    private readonly int _process;
    private readonly StallWatch _sending;
    private string _application = "?";
    private string? _fault;
    private readonly TokenBucket _calls = new(CallsPerSecond, CallsAtOnceMax);
    private TimeSpan _owed;
    private int _openCalls;
    private volatile bool _isGreeted;

    /// <summary>Takes over a connection.</summary>
    public LocalSession(
        Socket socket, IKbrHost host, LocalSocketServerOptions options, IApplicationShare? share, int process)
    {
        Share = share;
        _sending = new StallWatch(options.StallTimeout, StalledBytesMin);
        _host = host;
        _options = options;
        _process = process;
        _attachments = new LocalAttachments(this, host, options.SubscriptionsMax, _ended.Token);
        Upcalls = new OpenUpcalls(options.DeliveriesMax, options.ForwardsMax);
        int frameBytesMax = options.PayloadBytesMax + LocalProtocol.HeaderBytesMax;
        _socket = new FrameSocket(
            socket, frameBytesMax, options.OutgoingBytesMax, share?.Bytes, options.StallTimeout);
    }

    /// <summary>What the application gets of the host; null when the host keeps no account.</summary>
    public IApplicationShare? Share { get; }

    /// <summary>What the application has not answered.</summary>
    public OpenUpcalls Upcalls { get; }

    /// <summary>Whether the application was welcomed; nothing may be sent before.</summary>
    public bool IsGreeted => _isGreeted;

    /// <summary>Whether the application is attached to nothing.</summary>
    public bool IsIdle => _attachments.Count == 0;

    /// <summary>Gives the place to another application.</summary>
    public void Evict() => Disconnect("its place was needed for another application");

    /// <summary>Serves the application until it goes.</summary>
    public async Task RunAsync()
    {
        try
        {
            await ReadAsync().ConfigureAwait(false);
        }
        finally
        {
            await EndAsync().ConfigureAwait(false);
        }

        if (_fault is not null)
        {
            LocalSocketLog.Disconnected(_options.Logger, _application, _fault);
        }
        else
        {
            LocalSocketLog.Gone(_options.Logger, _application, "it closed the connection");
        }
    }

    /// <summary>
    /// Ends the session; what was sent before still leaves, if the application reads it soon.
    /// </summary>
    public void Close()
    {
        _socket.CloseWhenSent();
        _ = DisposeSoonAsync();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        _helloDeadline.Dispose();
        _ended.Dispose();
    }

    /// <summary>Sends a small frame; an application that lets even those pile up is disconnected.</summary>
    public void Send(LocalFrame frame)
    {
        if (!_socket.TrySend(frame) && _socket.IsOpen)
        {
            Disconnect(DoesNotRead);
        }
    }

    /// <summary>
    /// Sends a frame with a payload; false when too much waits already. An application that is only slow
    /// stays.
    /// </summary>
    public bool TrySendPayload(LocalFrame frame) => _socket.TrySendPayload(frame);

    /// <summary>Disconnects an application that takes next to nothing of much that waits.</summary>
    public void CloseWhenStalled(TimeSpan now)
    {
        (long waiting, long written) = _socket.Progress;
        if (_sending.IsStalled(now, waiting, written))
        {
            Disconnect(DoesNotRead);
        }
    }

    /// <summary>Sends a frame to an application that may be gone.</summary>
    public void SendLast(LocalFrame frame) => _socket.TrySend(frame);

    private async Task ReadAsync()
    {
        _helloDeadline.CancelAfter(_options.HelloTimeout);
        using (_helloDeadline.Token.Register(() => Disconnect("it did not say hello in time")))
        {
            string? fault = await _socket.ReadAsync(HandleBody, TakePause).ConfigureAwait(false);
            if (fault is not null)
            {
                Refuse(0, RefusalCode.Malformed, fault);
            }
        }
    }

    /// <summary>How long the application waits, having called so often.</summary>
    private TimeSpan TakePause()
    {
        TimeSpan pause = _owed;
        _owed = TimeSpan.Zero;
        return pause;
    }

    private bool HandleBody(ReadOnlyMemory<byte> body)
    {
        if (!LocalFrameReader.TryRead(body, out LocalFrame? frame, out string? error))
        {
            Refuse(0, RefusalCode.Malformed, error);
            return false;
        }

        return _isGreeted ? Handle(frame) : Greet(frame);
    }

    private bool Greet(LocalFrame frame)
    {
        if (frame is not HelloFrame hello)
        {
            Refuse(0, RefusalCode.Hello, "the first frame must be a hello");
            return false;
        }

        _application = string.Concat(hello.Application.Where(c => !char.IsControl(c)).Take(NameLengthMax));
        int version = Math.Min(hello.VersionMax, LocalProtocol.VersionMax);
        if (version < Math.Max(hello.VersionMin, LocalProtocol.VersionMin))
        {
            Refuse(
                0,
                RefusalCode.Version,
                $"the daemon speaks versions {LocalProtocol.VersionMin} to {LocalProtocol.VersionMax} of the "
                + $"local protocol, the application {hello.VersionMin} to {hello.VersionMax}: "
                + "update the older of the two");
            return false;
        }

        _helloDeadline.CancelAfter(Timeout.Infinite);
        LocalSocketLog.Attached(_options.Logger, _application, _process);
        Send(new WelcomeFrame(
            version,
            _host.NodeId,
            _options.Network,
            _options.PayloadBytesMax,
            LocalSocketServer.ProgramVersion,
            _host.Time));
        _isGreeted = true;
        return true;
    }

    private bool Handle(LocalFrame frame)
    {
        switch (frame)
        {
            case RequestFrame request:
                Request(request);
                break;
            case RouteFrame route:
                Route(route);
                break;
            case FailFrame fail:
                Upcalls.Fail(fail.Token, fail.Error, fail.IsTemporary);
                break;
            case ReplyFrame reply:
                Upcalls.Reply(reply.Token, reply.Payload);
                break;
            case DecideFrame decide:
                var decision = new ForwardDecision(decide.Goes, decide.Replacement?.ToArray());
                Upcalls.Decide(decide.Parked, decision);
                break;
            case CancelFrame cancel:
                EndRequest(cancel.Request);
                break;
            case SubscribeFrame subscribe:
                Call(subscribe.Call, () => _attachments.SubscribeAsync(subscribe));
                break;
            case UnsubscribeFrame unsubscribe:
                _ = CountAsync(_attachments.UnsubscribeAsync(unsubscribe)); // never more than subscriptions
                break;
            case StatusFrame status:
                Call(status.Call, () => AnswerStatusAsync(status.Call));
                break;
            case HelloFrame:
                Refuse(0, RefusalCode.Hello, "a second hello");
                return false;
            default:
                string type = frame is UnknownFrame unknown ? $"{unknown.Type}" : frame.GetType().Name;
                Send(new RefusedFrame(
                    0, RefusalCode.UnknownType, $"a daemon does not take frames of type {type}"));
                break;
        }

        return true;
    }

    private void Route(RouteFrame frame)
    {
        if (_attachments.Find(frame.Subscription)?.Service is { } service)
        {
            service.Route(frame.Destination, frame.Payload, new RouteOptions(frame.Exact));
        }
        else
        {
            Send(new RefusedFrame(
                0, RefusalCode.Subscription, $"There is no subscription {frame.Subscription} to route in."));
        }
    }

    private void Request(RequestFrame frame)
    {
        IKbrService? service = _attachments.Find(frame.Subscription)?.Service;
        KbrStatus status = service is null ? KbrStatus.Closed : BeginRequest(frame.Request);
        if (status != KbrStatus.Ok)
        {
            Send(new ResultFrame(frame.Request, status, default, default));
            return;
        }

        service!.Request(
            frame.Destination,
            frame.Payload,
            new RequestOptions(TimeSpan.FromMilliseconds(frame.TimeoutMs), frame.Exact),
            reply =>
            {
                if (EndRequest(frame.Request) && !TrySendPayload(new ResultFrame(
                    frame.Request, reply.Status, reply.Responder, reply.Payload, reply.Error)))
                {
                    Send(new ResultFrame(frame.Request, KbrStatus.Overloaded, default, default));
                }
            });
    }

    private KbrStatus BeginRequest(long number)
    {
        lock (_lock)
        {
            return _requests.Count < _options.RequestsMax && _requests.Add(number)
                ? KbrStatus.Ok
                : KbrStatus.Overloaded;
        }
    }

    private bool EndRequest(long number)
    {
        lock (_lock)
        {
            return _requests.Remove(number);
        }
    }

    /// <summary>
    /// Begins what the node answers in its own time; refused when it has too much of that to do already.
    /// </summary>
    private void Call(long call, Func<Task> begin)
    {
        _owed = _calls.Take(Stopwatch.GetElapsedTime(0), 1);
        if (Volatile.Read(ref _openCalls) < CallsMax)
        {
            _ = CountAsync(begin());
        }
        else
        {
            Send(new RefusedFrame(
                call,
                RefusalCode.TooMany,
                $"{CallsMax} calls wait for the node already. Wait for their answers."));
        }
    }

    private async Task CountAsync(Task call)
    {
        Interlocked.Increment(ref _openCalls);
        try
        {
            await call.ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _openCalls);
        }
    }

    private async Task AnswerStatusAsync(long call)
    {
        try
        {
            HostStatus status = await _host.GetStatusAsync(_ended.Token).ConfigureAwait(false);
            Send(new StatusResultFrame(call, status));
        }
        catch (Exception exception) when (exception is KbrException or OperationCanceledException)
        {
            SendLast(new RefusedFrame(call, RefusalCode.Node, exception.Message));
        }
    }

    private void Refuse(long call, RefusalCode code, string text)
    {
        _fault ??= text;
        _socket.TrySend(new RefusedFrame(call, code, text));
    }

    private void Disconnect(string cause)
    {
        _fault ??= cause;
        _socket.Dispose();
    }

    /// <summary>An application that does not read cannot keep its connection by that.</summary>
    private async Task DisposeSoonAsync()
    {
        await Task.WhenAny(_socket.Closed, Task.Delay(CloseTimeout)).ConfigureAwait(false);
        _socket.Dispose();
    }

    private async Task EndAsync()
    {
        Close();
        lock (_lock)
        {
            _requests.Clear();
        }

        await _ended.CancelAsync().ConfigureAwait(false);
        Upcalls.End();
        await _attachments.EndAsync().ConfigureAwait(false);
    }
}
