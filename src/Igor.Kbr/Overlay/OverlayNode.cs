using System.Collections.Immutable;
using Igor.Kbr.Overlay.Clocks;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Overlay.Upkeep;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay;

/// <summary>
/// The overlay protocol of one node: a pure machine, driven by one thread. Inputs are method calls that carry
/// the time; effects leave through <see cref="IOverlayOutput"/>; the same seed and inputs give the same
/// effects. It only dispatches: each concern is a machine of its own beside it.
/// </summary>
public sealed partial class OverlayNode
{
    private readonly NodeContext _context;
    private readonly RingTable _rings;
    private readonly Dialer _dialer;
    private readonly Standings _standings;
    private readonly Handshake _handshake;
    private readonly Sentences _sentences;
    private readonly FailureDetection _failures;
    private readonly LinkCare _linkCare;
    private readonly EntryPoints _entries;
    private readonly NeighbourExchange _exchange;
    private readonly Isolation _isolation;
    private readonly Joining _joining;
    private readonly Fingers _fingers;
    private readonly ServiceDiscovery _discovery;
    private readonly PendingTable _pending;
    private readonly Deliveries _deliveries;
    private readonly Router _router;
    private readonly ForwardDesk _desk;
    private readonly PeerClocks _clocks;
    private readonly FrameDispatch _frames;
    private ulong _lastRequest;
    private bool _hasLeft;

    /// <summary>Makes a node; nothing happens before <see cref="Start"/>.</summary>
    /// <param name="id">The node's id.</param>
    /// <param name="options">Settings.</param>
    /// <param name="output">Where effects go.</param>
    /// <param name="seed">Seed of the node's only source of randomness.</param>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public OverlayNode(Key id, OverlayOptions options, IOverlayOutput output, ulong seed)
    {
        OverlayOptionsValidator.Validate(options);
        _context = new NodeContext(id, options, output, seed);
        _lastRequest = _context.Random.NextUInt64(); // no number of an earlier run comes again
        _rings = new RingTable(_context);
        _dialer = new Dialer(_context);
        _standings = new Standings(_context, _rings);
        _handshake = new Handshake(_context, _rings, _dialer, _standings)
        {
            PeerUp = PeerUp,
            PeerDown = PeerDown,
            ServicesChanged = ServicesChanged,
        };
        _linkCare = new LinkCare(_context, _rings, _handshake);
        _pending = new PendingTable(options.PendingMax);
        _sentences = new Sentences(_context, _rings);
        var silence = new SilenceDetection(_context, _rings, _pending, _sentences);
        _failures = new FailureDetection(_context, _handshake) { IsNeighbour = _rings.IsNeighbour };
        _entries = new EntryPoints(_context, _dialer)
        {
            IsNeighbour = _rings.IsNeighbour,
        };
        _handshake.Replaced = _entries.HandleReplaced;
        _handshake.TurnedAway = _entries.HandleFailed;
        _exchange = new NeighbourExchange(_context, _rings, _dialer);
        _rings.Changed = RingChanged;
        _discovery = new ServiceDiscovery(_context, _rings, _dialer, _exchange);
        _desk = new ForwardDesk(_context);
        _deliveries = new Deliveries(_context, _pending);
        _deliveries.Control.Contacts = _exchange.Contacts;
        var origin = new Origin(_context, _rings, _pending)
        {
            Deliveries = _deliveries,
            Desk = _desk,
            Silence = silence,
            Discover = _discovery.Discover,
        };
        _router = new Router(_context, _rings, _pending)
        {
            Origin = origin,
            Deliveries = _deliveries,
            Desk = _desk,
            Silence = silence,
        };
        silence.Reroute = _router.HandlePeerSilent;
        _deliveries.Origin = origin;
        _deliveries.Router = _router;
        _discovery.Request = origin.Begin;
        _sentences.Request = origin.Begin;
        _isolation = new Isolation(_context, _rings, _entries, _discovery);
        _sentences.Changed = _isolation.Review;
        _entries.IsInRing = () => _isolation.IsInRing;
        _rings.IsAloneIn = _isolation.IsAloneIn;
        _joining = new Joining(_context, _rings, _dialer, _exchange, _discovery, _isolation)
        {
            Request = origin.Begin,
        };
        _fingers = new Fingers(_context, _rings, _dialer, _standings) { Request = origin.Begin };
        _clocks = new PeerClocks(_context);
        _frames = new FrameDispatch(_context, _handshake, _router, _exchange, _discovery, _clocks);
    }

    /// <summary>The node's id.</summary>
    public Key Id => _context.Id;

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline
    {
        get
        {
            TimeSpan? timer = _context.Timers.NextDeadline;
            TimeSpan? request = _pending.NextDeadline;
            return timer is null || request < timer ? request : timer;
        }
    }

    /// <summary>Whether the node is an active member of the ring.</summary>
    public bool IsJoined => _rings.TryGet(ServiceId.Base, out ServiceRing? ring) && ring.IsActive;

    /// <summary>Starts joining.</summary>
    public void Start(TimeSpan now)
    {
        ServiceRing ring = _rings.GetOrAdd(now, ServiceId.Base, string.Empty);
        _handshake.Identity.Start(now);
        _entries.Start(now);
        _failures.Start(now);
        _linkCare.Start(now);
        _discovery.Start(now);
        _isolation.Start(now);
        _clocks.Start(now);
        if (_context.Options.JoinsRing)
        {
            ring.HasMember = true;
            _exchange.Start(now);
            _fingers.Start(now);
            _joining.Begin(now, ring);
        }
    }

    /// <summary>
    /// The host's wall clock was read. To be called before other inputs: what peers are told of it, and what
    /// they tell, is compared with the last reading.
    /// </summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="unixMs">What it shows, in milliseconds since 1970 UTC.</param>
    public void HandleWallClock(TimeSpan now, long unixMs) => _clocks.HandleWallClock(now, unixMs);

    /// <summary>The deadline has passed.</summary>
    public void HandleDeadline(TimeSpan now)
    {
        _context.Timers.RunDue(now);
        _router.HandleDeadline(now);
        _isolation.Review(now);
    }

    /// <summary>A connection was opened, and its other end proved to be the peer.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="link">The host's name for the connection.</param>
    /// <param name="peer">The id that the peer's certificate proves.</param>
    /// <param name="dial">The attempt that led to it; null when the peer connected to us.</param>
    /// <param name="remoteAddress">host:port of the other end, for messages.</param>
    public void HandleLinkOpened(TimeSpan now, LinkId link, Key peer, DialId? dial, string remoteAddress)
    {
        if (_hasLeft)
        {
            _context.Output.Close(link);
            return;
        }

        _handshake.HandleOpened(now, link, peer, dial, remoteAddress);
        if (_handshake.TryGet(link, out Link? opened))
        {
            _entries.HandleOpened(opened!);
        }

        _joining.StepAll(now);
    }

    /// <summary>An attempt to connect failed.</summary>
    public void HandleDialFailed(TimeSpan now, DialId dial, string cause)
    {
        Dialer.Wish wish = _dialer.HandleFailed(now, dial);
        _context.Raise(OverlayEventKind.DialFailed, wish.Expected ?? default, $"{wish.Address}: {cause}");
        _entries.HandleFailed(wish.Address, cause);
        _joining.StepAll(now);
    }

    /// <summary>A connection broke or was closed by the other end.</summary>
    public void HandleLinkClosed(TimeSpan now, LinkId link, string cause)
    {
        _handshake.HandleClosed(now, link);
        _joining.StepAll(now);
    }

    /// <summary>The host measured the round-trip time of a link (from the kernel, where it has it).</summary>
    public void HandleRoundTrip(TimeSpan now, LinkId link, TimeSpan roundTrip)
    {
        if (_handshake.TryGet(link, out Link? known) && known!.Peer is { } peer)
        {
            peer.NoteRoundTrip(roundTrip);
        }
    }

    /// <summary>
    /// A frame arrived. The body is valid during the call; any content is handled, however wrong.
    /// </summary>
    public void HandleFrame(TimeSpan now, LinkId link, ReadOnlyMemory<byte> body) =>
        _frames.Handle(now, link, body);

    /// <summary>
    /// An application wants to run a service here (one member per service; the host sees to that).
    /// </summary>
    /// <exception cref="ArgumentException">The service's name is not valid.</exception>
    public void Subscribe(TimeSpan now, SubscribeOptions options)
    {
        ServiceRing ring = _rings.GetOrAdd(now, ServiceId.FromName(options.Service), options.Service);
        if (options.Role == ServiceRole.Client)
        {
            ring.Clients++;
            if (ring.Members.Count == 0 && !ring.HasMember)
            {
                _discovery.Discover(now, ring);
            }
        }
        else
        {
            ring.HasMember = true;
            ring.WantsForward = options.WantsForward;
            _joining.Begin(now, ring);
        }
    }

    /// <summary>An application that subscribed in that role is gone.</summary>
    public void Unsubscribe(TimeSpan now, ServiceId service, ServiceRole role)
    {
        if (!_rings.TryGet(service, out ServiceRing? ring) || service == ServiceId.Base)
        {
            return;
        }

        if (role == ServiceRole.Client)
        {
            ring.Clients--;
        }
        else
        {
            ring.HasMember = false;
            ring.WantsForward = false;
            ring.Phase = RingPhase.Outside;
            _rings.Announce();
            _rings.Refresh(now, ring);
            _deliveries.HandleMemberGone(now, service);
        }

        if (ring.Clients <= 0 && !ring.HasMember)
        {
            _rings.Remove(ring);
        }
    }

    /// <summary>A local application sends a message.</summary>
    public void Route(
        TimeSpan now, ServiceId service, Key destination, ReadOnlyMemory<byte> payload, RouteOptions options)
    {
        if (_rings.TryGet(service, out ServiceRing? ring))
        {
            RouteFlags flags = options.Exact ? RouteFlags.Exact : RouteFlags.None;
            _router.Origin.SendOneWay(now, ring, destination, payload, flags);
        }
    }

    /// <summary>
    /// A local application sends a request; ends in <see cref="IOverlayOutput.CompleteRequest"/>.
    /// </summary>
    public void Request(
        TimeSpan now,
        RequestId request,
        ServiceId service,
        Key destination,
        ReadOnlyMemory<byte> payload,
        RequestOptions options)
    {
        var own = new OwnRequest
        {
            Name = request,
            Number = ++_lastRequest,
            Service = service,
            Destination = destination,
            Flags = options.Exact ? RouteFlags.Exact : RouteFlags.None,
            Deadline = now + options.Timeout,
        };
        if (_hasLeft)
        {
            _router.Origin.End(now, own, KbrStatus.Closed, default, default);
            return;
        }

        if (payload.Length > _context.Options.PayloadBytesMax)
        {
            _router.Origin.End(now, own, KbrStatus.TooLarge, default, default);
            return;
        }

        own.Keep(payload.Span);
        _router.Origin.Begin(now, own);
    }

    /// <summary>A local application answers a delivered request.</summary>
    public void Reply(TimeSpan now, DeliveryToken delivery, ReadOnlyMemory<byte> payload) =>
        _deliveries.Answer(now, delivery, payload);

    /// <summary>A local application answers a delivered request with an error.</summary>
    public void Fail(TimeSpan now, DeliveryToken delivery, string error, bool isTemporary) =>
        _deliveries.Fail(now, delivery, error, isTemporary);

    /// <summary>A local application decided about a message that passes through.</summary>
    public void ResumeForward(TimeSpan now, long parked, ForwardDecision decision) =>
        _desk.Resume(now, parked, decision);

    /// <summary>Tells peers that the node leaves, closes all links and ends all requests.</summary>
    public void Leave(TimeSpan now)
    {
        _hasLeft = true;
        _handshake.CloseAll(GoodbyeReason.Leaving, "leaving");
        foreach (Pending entry in _pending.Where(e => e.Own is not null))
        {
            OwnRequest own = entry.Own!;
            _pending.Remove(entry);
            _router.Origin.End(now, own, KbrStatus.Closed, default, default);
        }
    }

    /// <summary>The neighbour set of the node in a service.</summary>
    public NeighbourSet Neighbours(ServiceId service) =>
        _rings.TryGet(service, out ServiceRing? ring)
            ? ring.Neighbours
            : NeighbourSet.Alone(Id, isMember: false);

    private void PeerUp(TimeSpan now, Peer peer)
    {
        _sentences.HandlePeerUp(peer);
        _linkCare.HandlePeersChanged(now, peer);
        _entries.HandlePeerUp(peer);
        _rings.RefreshAffected(now, [], peer.Services);
        _standings.Review(peer);
        _isolation.Review(now);
        _discovery.HandlePeerUp(peer);
        if (peer.Link.IsEntry)
        {
            _joining.LookInto(now, peer);
        }
    }

    private void PeerDown(TimeSpan now, Peer peer, DepartureReason reason)
    {
        _linkCare.HandlePeersChanged(now, peer);
        _clocks.HandlePeerDown(now, peer);
        _entries.HandlePeerDown(now, peer, reason);
        _rings.RefreshAffected(now, peer.Services, [], peer.Id, reason);
        _isolation.Review(now);
        _router.HandlePeerDown(now, peer);
    }

    private void ServicesChanged(TimeSpan now, Peer peer, ImmutableArray<ServiceName> before)
    {
        _linkCare.HandlePeersChanged(now, peer);
        _rings.RefreshAffected(now, before, peer.Services);
        _standings.Review(peer);
        _isolation.Review(now);
        _joining.StepAll(now);
    }

    private void RingChanged(TimeSpan now, ServiceRing ring, NeighbourChange change)
    {
        _standings.Review(change);
        _exchange.HandleChange(now, ring, change);
    }
}
