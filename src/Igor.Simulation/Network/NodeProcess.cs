using System.Buffers.Binary;
using Igor.Kbr.Overlay;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Simulation.Engine;
using Igor.Simulation.Faults;

namespace Igor.Simulation.Network;

/// <summary>
/// One life of a node's process: an <see cref="OverlayNode"/>, its links and its applications. Events come
/// from the engine; after each one all work that it caused inside the process is done, in order, and the next
/// deadline is set. Once dead it ignores whatever still arrives.
/// </summary>
internal sealed class NodeProcess : SimEventTarget
{
    private const int SameInstantDeadlinesMax = 1000;
    private static readonly TimeSpan MeasurePeriod = TimeSpan.FromSeconds(30);
    private readonly SimulationEngine _engine;
    private readonly Transport _transport;
    private readonly List<LinkEnd> _links = [];
    private readonly WorkQueue _work;
    private readonly OverlayNode _overlay;
    private Queue<SimEvent>? _deferred;
    private TimeSpan? _skewRead;
    private bool _isClockSet = true;
    private long _armedAt = long.MaxValue;
    private long _armedNumber;
    private int? _armedPlace; // none when it is not in the queue: its place there is another event's
    private long _lastDeadline = -1;
    private int _sameInstantDeadlines;
    private bool _isSettling;
    private bool _isWorkPosted;

    public NodeProcess(
        SimulatedNode node, SimulationEngine engine, Transport transport, OverlayOptions options, ulong seed)
        : base(node.Index)
    {
        Node = node;
        Silence = node.Silence;
        _engine = engine;
        _transport = transport;
        _work = new WorkQueue(transport.SpareQueues);
        PayloadBytesMax = options.PayloadBytesMax;
        _overlay = new OverlayNode(node.NodeId, options, new ProcessOutput(this, transport), seed);
        Applications = new ProcessApplications(this, _overlay);
    }

    public SimulatedNode Node { get; }

    public SimulationEngine Engine => _engine;

    public ProcessApplications Applications { get; }

    public OverlayNode Overlay => _overlay;

    public bool IsAlive { get; private set; } = true;

    /// <summary>What the node leaves unanswered; here, since each frame asks for it.</summary>
    public MemberSilence Silence { get; set; }

    public long StalledUntil { get; private set; }

    public bool IsStalled => StalledUntil > _engine.Now.Ticks;

    public TimeSpan Now => _engine.Now;

    public int LinkCount => _links.Count;

    public int PayloadBytesMax { get; }

    public Transport Transport => _transport;

    public BufferPool Buffers => _transport.Buffers;

    public void Start()
    {
        ReadWallClock();
        _overlay.Start(_engine.Now);
        PostWork();
        Arm();
    }

    /// <summary>Ends the process; the kernel closes its links, unless the machine went with it.</summary>
    public void Die(bool withMachine)
    {
        _transport.Flush();
        IsAlive = false;
        Applications.Abandon();
        foreach (LinkEnd end in _links)
        {
            _transport.Forget(end);
            if (withMachine)
            {
                end.IsOpen = false;
                end.Remote.SenderOffAt = _engine.Now.Ticks;
            }
            else
            {
                _transport.Finish(end, SimEventKind.LinkReset);
            }
        }

        _links.Clear();
        while (_work.TryTake(out NodeWork work))
        {
            work.Release(_transport.Buffers);
        }
    }

    /// <summary>Says good-bye to the peers, ends requests, and ends the process.</summary>
    public void Leave()
    {
        Settle();
        Applications.Close();
        _overlay.Leave(_engine.Now);
        Settle();
        Die(withMachine: false);
    }

    /// <summary>From now on everything waits until the stall is over.</summary>
    public void Stall(TimeSpan duration)
    {
        long end = _engine.Now.Ticks + duration.Ticks;
        if (end > StalledUntil)
        {
            StalledUntil = end;
            _engine.Post(end, new SimEvent(this, SimEventKind.Resume));
        }
    }

    public void Defer(in SimEvent simEvent) => (_deferred ??= []).Enqueue(simEvent);

    public override void Handle(in SimEvent simEvent)
    {
        if (simEvent.Kind == SimEventKind.Resume)
        {
            Resume();
        }
        else if (!IsAlive)
        {
            return;
        }
        else if (simEvent.Kind == SimEventKind.DialArrived)
        {
            _transport.HandleDialArrived(this, (DialAttempt)simEvent.Body!);
        }
        else if (IsStalled)
        {
            _armedPlace = simEvent.Kind == SimEventKind.Deadline ? null : _armedPlace;
            Defer(simEvent);
        }
        else
        {
            HandleAwake(simEvent);
        }
    }

    /// <summary>Queues work, and sees to it that it is done at this very time.</summary>
    public void Enqueue(in NodeWork work)
    {
        _work.Add(work);
        if (!_isSettling)
        {
            PostWork();
        }
    }

    /// <summary>Calls back when some time has passed, unless the process is dead by then.</summary>
    public void After(TimeSpan delay, Action callback) =>
        _engine.Post(
            _engine.Now.Ticks + delay.Ticks, new SimEvent(this, SimEventKind.Callback, Body: callback));

    public void ReceiveFrames(LinkEnd end, ReadOnlyMemory<byte> frames)
    {
        ReadWallClock();
        if (_engine.Now.Ticks >= end.MeasureAt)
        {
            ReportRoundTrip(end);
        }

        while (!frames.IsEmpty && end.IsOpen)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(frames.Span);
            ReadOnlyMemory<byte> body = frames.Slice(Transport.LengthBytes, length);
            frames = frames[(Transport.LengthBytes + length)..];
            ReceiveFrame(end, body);
        }

        Settle();
    }

    /// <summary>A frame has come; what it causes is settled later.</summary>
    public void ReceiveFrame(LinkEnd end, ReadOnlyMemory<byte> body)
    {
        if (!IsDropped(body))
        {
            _overlay.HandleFrame(_engine.Now, end.Id, body);
        }
    }

    /// <summary>Whether a silent member drops a frame: a Route, or a question about one.</summary>
    private bool IsDropped(ReadOnlyMemory<byte> body)
    {
        var type = (MessageType)(body.Length > 1 ? body.Span[1] : 0);
        return Silence switch
        {
            MemberSilence.DropsPayloads => type == MessageType.Route
                && RoutedFrame.TryReadRoute(body, out RouteHeader header, out _)
                && !header.Flags.HasFlag(RouteFlags.Control),
            MemberSilence.DropsRequests => type is MessageType.Route or MessageType.RequestQuery,
            _ => false,
        };
    }

    public void AcceptLink(LinkEnd end)
    {
        OpenLink(end, dial: null);
        Settle();
    }

    /// <summary>A link is open at this end; the node dialled it or not.</summary>
    public void OpenLink(LinkEnd end, DialId? dial, DialProgress progress = default)
    {
        end.IsOpen = true;
        end.Place = _links.Count;
        _links.Add(end);
        Node.CountLinks(_links.Count, dial is null);
        NodeProcess remote = end.Remote.Process;
        ReadWallClock();
        _overlay.HandleLinkOpened(
            _engine.Now, end.Id, remote.Overlay.Id, dial, remote.Node.Address, progress);
        ReportRoundTrip(end);
    }

    public void LoseLink(LinkEnd end, string cause)
    {
        Remove(end);
        _overlay.HandleLinkClosed(_engine.Now, end.Id, cause);
        Settle();
    }

    public void CloseLink(LinkId link)
    {
        if (_transport.Find(link) is { } end)
        {
            Remove(end);
            _transport.Finish(end, SimEventKind.LinkFinished);
        }
    }

    private void Remove(LinkEnd end)
    {
        _transport.Forget(end);
        LinkEnd last = _links[^1];
        _links[end.Place] = last;
        last.Place = end.Place;
        _links.RemoveAt(_links.Count - 1);
    }

    /// <summary>The wall clock of the host was set: it is read before what happens next.</summary>
    public void HandleClockSet() => _isClockSet = true;

    /// <summary>The node knows the wall clock by its monotonic one until it is set.</summary>
    private void ReadWallClock()
    {
        if (_isClockSet && Node.ClockSkew != _skewRead)
        {
            _skewRead = Node.ClockSkew;
            _overlay.HandleWallClock(_engine.Now, Node.WallClock.ToUnixTimeMilliseconds());
        }

        _isClockSet = false;
    }

    private void HandleAwake(in SimEvent simEvent)
    {
        ReadWallClock();
        switch (simEvent.Kind)
        {
            case SimEventKind.Deadline:
                HandleDeadline(simEvent.Number);
                break;
            case SimEventKind.DialAnswered:
                HandleDialAnswered((DialAttempt)simEvent.Body!);
                break;
            case SimEventKind.Callback:
                ((Action)simEvent.Body!)();
                break;
            case SimEventKind.Work:
                _isWorkPosted = false;
                break;
            default:
                throw new InvalidOperationException($"A process gets no event {simEvent.Kind}.");
        }

        Settle();
    }

    private void HandleDeadline(long number)
    {
        if (number != _armedNumber)
        {
            return;
        }

        (_armedAt, _armedPlace) = (long.MaxValue, null);
        long now = _engine.Now.Ticks;
        _sameInstantDeadlines = _lastDeadline == now ? _sameInstantDeadlines + 1 : 0;
        _lastDeadline = now;
        if (_sameInstantDeadlines > SameInstantDeadlinesMax)
        {
            throw new InvalidOperationException(
                $"{Node} asks again and again for the deadline {_engine.Now}, seed {_engine.Seed}.");
        }

        _overlay.HandleDeadline(_engine.Now);
    }

    private void HandleDialAnswered(DialAttempt attempt)
    {
        attempt.IsPostponed = false;
        LinkEnd? end = _transport.FinishDial(this, attempt);
        if (end is not null)
        {
            OpenLink(end, attempt.Dial, attempt.Progress);
        }
        else if (!attempt.IsPostponed)
        {
            _overlay.HandleDialFailed(_engine.Now, attempt.Dial, attempt.Failure ?? "failed");
        }
    }

    /// <summary>What a real host reads from the kernel now and then.</summary>
    private void ReportRoundTrip(LinkEnd end)
    {
        end.MeasureAt = _engine.Now.Ticks + MeasurePeriod.Ticks;
        _overlay.HandleRoundTrip(_engine.Now, end.Id, _transport.RoundTrip(end));
    }

    private void Resume()
    {
        if (IsStalled)
        {
            return;
        }

        while (_deferred is not null && _deferred.TryDequeue(out SimEvent simEvent))
        {
            simEvent.Target.Handle(simEvent);
        }
    }

    private void PostWork()
    {
        if (!_isWorkPosted)
        {
            _isWorkPosted = true;
            _engine.Post(_engine.Now.Ticks, new SimEvent(this, SimEventKind.Work));
        }
    }

    /// <summary>Does all work that waits, sends what was said, and sets the next deadline.</summary>
    public void Settle()
    {
        if (_isSettling)
        {
            return;
        }

        _isSettling = true;
        while (IsAlive && _work.TryTake(out NodeWork work))
        {
            Applications.Do(work);
            work.Release(_transport.Buffers);
        }

        _isSettling = false;
        _transport.Flush();
        Arm();
    }

    private void Arm()
    {
        if (!IsAlive || _overlay.NextDeadline is not { } deadline)
        {
            return;
        }

        // One event a node, that moves: to wake it where nothing is due would cost as much as where it is.
        long at = Math.Max(deadline.Ticks, _engine.Now.Ticks);
        bool isMoved = at != _armedAt && _armedPlace is { } place && _engine.TryCancel(place);
        if (isMoved || at < _armedAt)
        {
            _armedAt = at;
            _armedPlace = _engine.Post(at, new SimEvent(this, SimEventKind.Deadline, ++_armedNumber));
        }
    }
}
