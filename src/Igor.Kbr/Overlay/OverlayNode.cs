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
    private readonly FingerTable _fingers;
    private readonly OpenLinks _links;
    private readonly LinkCare _care;
    private readonly LinkRoom _room;
    private readonly Dialer _dialer;
    private readonly Liveness _liveness;
    private readonly OwnIdentity _identity;
    private readonly Handshake _handshake;
    private readonly EntryPoints _entries;
    private readonly Isolation _isolation;
    private readonly Joining _joining;
    private readonly ServiceDiscovery _discovery;
    private readonly Passage _passage;
    private readonly Router _router;
    private readonly PeerClocks _clocks;
    private readonly NeighbourExchange _exchange;
    private readonly FrameDispatch _frames;
    private AverageRate? _upkeep;
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
        var away = new AwayMembers();
        _rings = new RingTable(_context, away);
        _fingers = new FingerTable(_context, _rings);
        _links = new OpenLinks(_context);
        _dialer = new Dialer(_context, _links);
        _liveness = new Liveness(_context);
        _care = new LinkCare(_context, _rings, _fingers, _links);
        var secondLinks = new SecondLinks(_context, _links, _care, _liveness);
        _room = new LinkRoom(_context, _rings, _fingers, _links, _care, _liveness);
        _entries = new EntryPoints(_context, _dialer, _rings, away);
        _identity = new OwnIdentity(_context, _dialer);
        var duplicates = new Duplicates(_context, _links, _liveness);
        _handshake = new Handshake(
            _context, _rings, _dialer, _links, _entries, _room, secondLinks, duplicates, _identity);
        var pending = new PendingTable(_context.Peers, options.PendingMax);
        var silent = new SilentMembers(_context, _rings, pending, _liveness);
        var conduct = new PeerConduct(_context, _liveness, silent);
        var routes = new RouteSelection(_context, conduct);
        var back = new WayBack(_context, silent);
        var deliveries = new Deliveries(_context, _rings, pending, back);
        var handover = new Handover(_context, pending, deliveries, conduct, routes);
        _passage = new Passage(_context, _rings, pending, deliveries, conduct, handover, back);
        _router = new Router(
            _context, _rings, pending, _passage, deliveries, conduct, routes, back);
        var failures = new FailureDetection(_context, _rings, _liveness, secondLinks);
        _exchange = new NeighbourExchange(_context, _rings, _dialer);
        var lookup = new NeighbourLookup(_passage);
        _discovery = new ServiceDiscovery(_context, _rings, _dialer, _care, _exchange, lookup);
        _isolation = new Isolation(_context, _rings, _entries);
        var places = new PlaceCheck(_context, _rings, _exchange, _liveness);
        var merging = new Merging(_context, _rings, _exchange, _care, lookup);
        _joining = new Joining(
            _context, _rings, _dialer, _entries, _care, _exchange, places, _discovery, _isolation, lookup);
        var fingers = new Fingers(_context, _rings, _fingers, _dialer, lookup);
        _clocks = new PeerClocks(_context, _liveness);
        var news = new ServiceNews(_context, _rings);
        var heartbeats = new Heartbeats(_context, _rings, _care, news, _exchange);
        _frames = new FrameDispatch(_context, _links, _handshake, _liveness);
        _context.Machines.Set(
        [
            _liveness, duplicates, _identity, _handshake, silent, _entries, failures, _rings,
            _care, _isolation, _discovery, _clocks, news, _exchange, heartbeats, fingers, places,
            merging, _joining, _router,
        ]);
    }

    /// <summary>The node's id.</summary>
    public Key Id => _context.Id;

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline
    {
        get
        {
            TimeSpan? timer = _context.Timers.NextDeadline;
            TimeSpan? machine = _context.Machines.NextDeadline;
            return timer is null || machine < timer ? machine : timer;
        }
    }

    /// <summary>Whether the node is an active member of the ring.</summary>
    public bool IsJoined => _rings.Base.IsActive;

    /// <summary>Starts joining.</summary>
    public void Start(TimeSpan now)
    {
        _upkeep = new AverageRate(now);
        _rings.Refresh(now, _rings.Base);
        _context.Machines.Each(machine => machine.Start(now));
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
        _context.Machines.Deadline(now);
    }

    /// <summary>Who comes at that time has its place in the same rings, and the right one.</summary>
    internal void Vouch(TimeSpan now) => _rings.VouchedAt = now;

    /// <summary>Connects to a node, as if this one had found out that it needs it.</summary>
    internal void Connect(TimeSpan now, Contact contact, LinkPurpose purpose) =>
        _dialer.TryDial(now, contact, purpose, teller: null);

    /// <summary>Gives a node that is in a ring addresses where others may be.</summary>
    internal void GiveBootstrap(TimeSpan now, IReadOnlyList<string> addresses) =>
        _entries.Give(now, addresses);

    /// <summary>A connection was opened, and its other end proved to be the peer.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="link">The host's name for the connection.</param>
    /// <param name="peer">The id that the peer's certificate proves.</param>
    /// <param name="dial">The attempt that led to it; null when the peer connected to us.</param>
    /// <param name="remoteAddress">host:port of the other end, for messages.</param>
    /// <param name="progress">Which of the attempt's addresses led there.</param>
    public void HandleLinkOpened(
        TimeSpan now,
        LinkId link,
        Key peer,
        DialId? dial,
        string remoteAddress,
        DialProgress progress = default)
    {
        if (_hasLeft)
        {
            _context.Output.Close(link);
            return;
        }

        Dialer.Wish? wish = dial is { } d ? _dialer.HandleOpened(now, d, peer, progress) : null;
        _handshake.HandleOpened(now, link, peer, wish, remoteAddress);
        if (wish is { } other && other.Expected != peer)
        {
            _exchange.HandleDialFailed(other);
        }

        _context.Machines.Each(machine => machine.HandleLinksChanged(now));
    }

    /// <summary>An attempt to connect failed.</summary>
    public void HandleDialFailed(TimeSpan now, DialId dial, string cause)
    {
        Dialer.Wish wish = _dialer.HandleFailed(now, dial, cause);
        _exchange.HandleDialFailed(wish);
        foreach (string address in wish.Addresses)
        {
            _context.Raise(OverlayEventKind.DialFailed, wish.Expected ?? default, $"{address}: {cause}");
        }

        _context.Machines.Each(machine => machine.HandleLinksChanged(now));
    }

    /// <summary>A connection broke or was closed by the other end.</summary>
    public void HandleLinkClosed(TimeSpan now, LinkId link, string cause)
    {
        _handshake.HandleClosed(now, link);
        _context.Machines.Each(machine => machine.HandleLinksChanged(now));
    }

    /// <summary>The host measured the round-trip time of a link (from the kernel, where it has it).</summary>
    public void HandleRoundTrip(TimeSpan now, LinkId link, TimeSpan roundTrip)
    {
        if (_links.TryGet(link, out Link? known) && known.Peer is { } peer)
        {
            _liveness.NoteRoundTrip(peer, roundTrip);
        }
    }

    /// <summary>A frame came, however wrong. The body is valid during the call.</summary>
    public void HandleFrame(TimeSpan now, LinkId link, ReadOnlyMemory<byte> body) =>
        _frames.Handle(now, link, body);

    /// <summary>An application wants to run a service here, as its one member or as a client.</summary>
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
            _rings.Refresh(now, ring);
            _router.HandleMemberGone(now, service);
        }

        if (ring.Clients <= 0 && !ring.HasMember)
        {
            _rings.Remove(ring);
            _care.ReviewAll(); // whom only that service made a member to this node is none any more
        }
    }

    /// <summary>A local application sends a message.</summary>
    public void Route(
        TimeSpan now, ServiceId service, Key destination, ReadOnlyMemory<byte> payload, RouteOptions options)
    {
        if (_rings.TryGet(service, out ServiceRing? ring))
        {
            RouteFlags flags = options.Exact ? RouteFlags.Exact : RouteFlags.None;
            _router.SendOneWay(now, ring, destination, payload, flags);
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
        if (_hasLeft || payload.Length > _context.Options.PayloadBytesMax)
        {
            KbrStatus status = _hasLeft ? KbrStatus.Closed : KbrStatus.TooLarge;
            own.Complete(now, _context.Output, new RequestResult(status, default, default));
            return;
        }

        _passage.Begin(now, own, payload.Span);
    }

    /// <summary>A local application answers a delivered request.</summary>
    public void Reply(TimeSpan now, DeliveryToken delivery, ReadOnlyMemory<byte> payload) =>
        _router.Answer(now, delivery, payload);

    /// <summary>A local application answers a delivered request with an error.</summary>
    public void Fail(TimeSpan now, DeliveryToken delivery, string error, bool isTemporary) =>
        _router.Fail(now, delivery, error, isTemporary);

    /// <summary>A local application decided about a message that passes through.</summary>
    public void ResumeForward(TimeSpan now, long parked, ForwardDecision decision) =>
        _router.Decide(now, parked, decision);

    /// <summary>Tells peers that the node leaves, closes all links and ends all requests.</summary>
    public void Leave(TimeSpan now)
    {
        _hasLeft = true;
        _links.CloseAll(GoodbyeReason.Leaving, "leaving");
        _router.Leave(now);
    }

    /// <summary>The neighbour set of the node in a service.</summary>
    public NeighbourSet Neighbours(ServiceId service) =>
        _rings.TryGet(service, out ServiceRing? ring)
            ? ring.Neighbours
            : NeighbourSet.Alone(Id, isMember: false);
}
