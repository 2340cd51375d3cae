using Igor.Kbr;
using Igor.Kbr.Hosting;
using Igor.Kbr.Overlay;
using Igor.Kbr.Overlay.Machines;
using Igor.Node.Identity;
using Igor.Node.Memory;
using Igor.Node.Reporting;
using Igor.Node.Scheduling;
using Igor.Node.Transport;
using Igor.Node.Transport.Links;
using Microsoft.Extensions.Logging;

namespace Igor.Node.Hosting;

/// <summary>
/// Drives an <see cref="OverlayNode"/> on its strand: frames, links and timers go in from the transport's
/// side, downcalls from the applications' side; what the node does goes out to both. Effects of a batch leave
/// together.
/// </summary>
internal sealed partial class OverlayHost : IDisposable
{
    private readonly TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TroubleLog _troubles;
    private readonly TimeProvider _clock;
    private readonly long _started;
    private readonly ILogger _log;
    private readonly Strand _strand;
    private readonly DeadlineTimer _timer;
    private OverlayNode? _node;
    private ApplicationTable<NodeService>? _applications;
    private CorrectedClock _corrected = CorrectedClock.Unknown;
    private OverlayFigures _figures = OverlayFigures.Unknown;
    private bool _joinsRing;
    private bool _closed;

    /// <summary>Makes a host; <see cref="StartAsync"/> makes its node.</summary>
    /// <param name="identity">Who the node is.</param>
    /// <param name="transport">Settings of its links.</param>
    /// <param name="bytes">What it may hold for others.</param>
    /// <param name="queueMax">Most pieces of work that wait for the strand.</param>
    /// <param name="clock">What tells the time.</param>
    /// <param name="log">Where it logs.</param>
    public OverlayHost(
        NodeIdentity identity,
        TransportOptions transport,
        ByteBudget bytes,
        int queueMax,
        TimeProvider clock,
        ILogger log)
    {
        NodeId = identity.NodeId;
        _clock = clock;
        _started = _clock.GetTimestamp();
        _log = log;
        _troubles = new TroubleLog(log);
        _strand = new Strand(problem => NodeLog.Bug(_log, problem), queueMax)
        {
            BatchEnded = EndBatch,
        };
        _timer = new DeadlineTimer(
            _clock, () => _strand.Post(static host => ((OverlayHost)host).Ring(), this));
        Bytes = bytes;
        Bytes.OpenOwn(NodeId);
        OwnAccount = Bytes.Open(HolderKind.Member);
        Transport = new TlsTransport(identity, transport, _strand, this, Counters, Bytes, log);
    }

    /// <summary>The id of the node.</summary>
    public Key NodeId { get; }

    /// <summary>What the node holds for others.</summary>
    public ByteBudget Bytes { get; }

    /// <summary>The account of calls that applications in this process make.</summary>
    public ByteAccount OwnAccount { get; }

    /// <summary>The links.</summary>
    public TlsTransport Transport { get; }

    /// <summary>Running totals.</summary>
    public NodeCounters Counters { get; } = new();

    /// <summary>
    /// Completes when the node is an active member of the ring or, if it joins none, when it is connected;
    /// canceled when it is closed before.
    /// </summary>
    public Task Joined => _joined.Task;

    /// <summary>Largest payload of a message.</summary>
    public int PayloadBytesMax { get; private set; }

    /// <summary>Messages of peers that were ignored, since they sent too many of a costly kind.</summary>
    public long MessagesIgnored => Volatile.Read(ref _node)?.MessagesIgnored ?? 0;

    /// <summary>Pieces of work that wait.</summary>
    public int QueueLength => _strand.QueueLength;

    /// <summary>Addresses told by peers that were not dialled.</summary>
    public long DialsRefused => Volatile.Read(ref _node)?.DialsRefused ?? 0;

    /// <summary>How large the ring is and what the node's place there takes, as last looked.</summary>
    public OverlayFigures Figures => Volatile.Read(ref _figures);

    /// <summary>Time since the node was made; the overlay's clock.</summary>
    public TimeSpan Now => _clock.GetElapsedTime(_started);

    /// <summary>What time it is. On any thread.</summary>
    public NetworkTime Time => Volatile.Read(ref _corrected).At(Now, OwnUnixMs);

    private long OwnUnixMs => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private OverlayNode Overlay =>
        _node ?? throw new InvalidOperationException("The node has not been started.");

    private ApplicationTable<NodeService> Applications =>
        _applications ?? throw new InvalidOperationException("The node has not been started.");

    /// <summary>Called on the strand when the peers worth remembering changed.</summary>
    public Action? PeersChanged { get; set; }

    /// <summary>Makes the node and lets it join.</summary>
    public Task StartAsync(OverlayOptions options, ulong seed) => _strand.InvokeAsync(() =>
    {
        PayloadBytesMax = options.PayloadBytesMax;
        _node = new OverlayNode(NodeId, options, this, seed);
        _applications = new ApplicationTable<NodeService>(_node, this);
        _joinsRing = options.JoinsRing;
        ReadWallClock();
        Overlay.Start(Now);
        Transport.StartAccepting();
        return true;
    });

    /// <summary>Reads something of the node on the strand.</summary>
    /// <exception cref="KbrException">The node is closed.</exception>
    public Task<T> ReadAsync<T>(Func<OverlayNode, IEnumerable<ServiceStatus>, T> read) =>
        _strand.InvokeAsync(() =>
        {
            ThrowIfClosed();
            return read(Overlay, Applications.Services);
        });

    /// <summary>Attaches an application.</summary>
    /// <exception cref="KbrException">The service has a member already, or the node is closed.</exception>
    public Task<IKbrService> SubscribeAsync(SubscribeOptions options, IKbrApplication application) =>
        _strand.InvokeAsync<IKbrService>(() =>
        {
            ThrowIfClosed();
            var service = new NodeService(this, options, application);
            Applications.Attach(service);
            Applications.Start(Now, service);
            return service;
        });

    /// <summary>Detaches an application; its open requests end.</summary>
    public Task UnsubscribeAsync(NodeService service) => _strand.InvokeAsync(service.Work, () =>
    {
        if (Applications.Detach(service))
        {
            Applications.Stop(Now, service);
        }

        return true;
    });

    /// <summary>Takes a downcall; it runs on the strand. One that cannot wait is refused there.</summary>
    public void Post(ServiceCall call)
    {
        if (!call.TryCharge() || !_strand.TryPost(call.Service.Work, RunCall, call))
        {
            call.BecomeRefusal();
            _strand.Post(call.Service.Work, RunCall, call);
        }
    }

    /// <summary>Takes a downcall unless too much waits already; says whether.</summary>
    public bool TryPost(ServiceCall call)
    {
        if (call.TryCharge() && _strand.TryPost(call.Service.Work, RunCall, call))
        {
            return true;
        }

        call.Return();
        return false;
    }

    /// <summary>Answers a delivery with an error, on the strand; bounded by the deliveries.</summary>
    public void Fail(NodeService service, DeliveryToken delivery, string error, bool isTemporary) =>
        _strand.Post(
            service.Work,
            _ =>
            {
                if (!_closed && service.IsOpen)
                {
                    Overlay.Fail(Now, delivery, error, isTemporary);
                }
            },
            this);

    /// <summary>Ends all that applications wait for and, when asked to, takes leave of the peers.</summary>
    public async Task CloseAsync(bool leaves)
    {
        // What applications posted before still goes: it waits for its turn, this would not.
        NodeService[] services =
            await _strand.InvokeAsync(() => _applications?.All.ToArray() ?? []).ConfigureAwait(false);
        await Task.WhenAll(services.Select(service => _strand.InvokeAsync(service.Work, () => true)))
            .ConfigureAwait(false);
        await _strand.InvokeAsync(() => Close(leaves)).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    /// <summary>Closes links whose other ends stand still.</summary>
    public void CloseStalled() => _strand.Post(
        static state =>
        {
            var host = (OverlayHost)state;
            host.Transport.CloseStalled(host.Now);
        },
        this);

    /// <summary>
    /// What comes round every few seconds: tells the node the round-trip times that the kernel measured, and
    /// the log what troubles the node.
    /// </summary>
    public void Inspect() => _strand.Post(
        static state =>
        {
            var host = (OverlayHost)state;
            host.ReportTroubles();
            if (!host._closed)
            {
                Volatile.Write(ref host._figures, host.Overlay.FiguresAt(host.Now));
            }

            foreach (TlsLink link in host._closed ? [] : host.Transport.Links.ToArray())
            {
                if (RoundTripMeter.Read(link.Socket) is { } roundTrip)
                {
                    host.Overlay.HandleRoundTrip(host.Now, link.Id, roundTrip);
                }
            }
        },
        this);

    private bool Close(bool leaves)
    {
        if (!_closed)
        {
            _closed = true;
            _applications?.Close();
            if (leaves)
            {
                Overlay.Leave(Now);
            }

            _joined.TrySetCanceled();
            _settled.TrySetCanceled();
        }

        return true;
    }

    private static void RunCall(object state)
    {
        var call = (ServiceCall)state;
        try
        {
            call.Service.Host.Run(call);
        }
        finally
        {
            call.Return();
        }
    }

    private void Run(ServiceCall call)
    {
        switch (call.Kind)
        {
            case ServiceCall.Verb.Request:
                Applications.Request(
                    Now,
                    call.Service,
                    call.Destination,
                    call.Payload!.Memory,
                    call.Options,
                    call.Completed!,
                    call.KeepCharge());
                break;
            case ServiceCall.Verb.Refuse when call.Completed is { } refused:
                Applications.Refuse(call.Service, refused);
                break;
            case var _ when !call.Service.IsOpen:
                break;
            case ServiceCall.Verb.Route:
                Overlay.Route(
                    Now,
                    call.Service.Id,
                    call.Destination,
                    call.Payload!.Memory,
                    new RouteOptions(call.Options.Exact));
                break;
            case ServiceCall.Verb.Reply:
                Overlay.Reply(Now, call.Token, call.Payload!.Memory);
                break;
            default:
                Overlay.Fail(Now, call.Token, "the node's queue is full", isTemporary: true);
                break;
        }
    }

    private void Ring()
    {
        _timer.Clear();
        if (!_closed)
        {
            ReadWallClock();
            Overlay.HandleDeadline(Now);
        }
    }

    /// <summary>
    /// Before whatever tells peers of the clock or hears of theirs, so that a step is noticed at once; a
    /// reading costs some 30 ns.
    /// </summary>
    private void ReadWallClock() => Overlay.HandleWallClock(Now, OwnUnixMs);

    private void EndBatch()
    {
        Transport.Flush();
        if (_node is not { } node)
        {
            return;
        }

        Volatile.Write(ref _corrected, node.Clock);
        if (!_closed && node.NextDeadline is { } deadline)
        {
            _timer.Set(Now, deadline);
        }
    }

    private void ThrowIfClosed()
    {
        if (_closed)
        {
            throw new KbrException("The node is closed.");
        }
    }
}
