using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Whether this node may act as a ring of its own. It may when it has nobody to join, when all others left in
/// order, and when it was told to found one. Else, while no member is connected, it is alone: its
/// applications are told, and so is the operator. Emits the events that say how the node stands to the ring.
/// </summary>
internal sealed class Isolation(
    NodeContext context, RingTable rings, EntryPoints entries, ServiceDiscovery discovery)
{
    private static readonly TimeSpan DiscoverPeriod = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// So long a member has to stay that came by itself, until its leaving in order may leave this node as
    /// the last one: anybody may come, name itself a member and leave.
    /// </summary>
    private static readonly TimeSpan ProvenAfter = TimeSpan.FromSeconds(30);

    private RingState _told = RingState.Joining;
    private TimeSpan? _reachedAt;
    private bool _wasInRing;
    private bool _isPatient = true;
    private bool _isReviewing;

    /// <summary>Whether a member of the ring is connected.</summary>
    public bool IsInRing => rings.TryGet(ServiceId.Base, out ServiceRing? ring) && ring.Members.Count > 0;

    /// <summary>
    /// Whether it has nobody to join: no address, and no member that is away, or connected without a place.
    /// </summary>
    public bool HasNobody => !entries.KnowsAway && !entries.KnowsSilent
        && (context.Options.Bootstrap.Count == 0 || _wasInRing);

    /// <summary>How the node stands to the ring, and why.</summary>
    public RingStanding Standing =>
        State == RingState.Alone ? RingStanding.Alone(entries.WhyNobody()) : new(State, string.Empty);

    /// <summary>What keeps the node from doing all that it is there for.</summary>
    public IEnumerable<Trouble> Troubles => Standing switch
    {
        { State: RingState.Joining } =>
            [new Trouble(
                TroubleKinds.Joining, $"the node has not joined the network yet: {entries.WhyNobody()}")],
        { State: RingState.Alone } alone when !context.Options.JoinsRing =>
            [new Trouble(TroubleKinds.Alone, $"no member of the network is reached: {alone.Reason}")],
        { State: RingState.Alone } alone =>
            [new Trouble(
                TroubleKinds.Alone,
                $"this node is alone: {alone.Reason}; it goes on trying, and writes nothing by itself unless "
                + "it is started with --found")],
        _ => [],
    };

    private RingState State => (context.Options.JoinsRing, IsInRing) switch
    {
        (false, true) => RingState.Joined,
        (false, false) => _isPatient ? RingState.Joining : RingState.Alone,
        _ when !IsActive => RingState.Joining,
        (true, true) => RingState.Joined,
        _ => IsAlone ? RingState.Alone : RingState.Founded,
    };

    private bool IsActive => rings.TryGet(ServiceId.Base, out ServiceRing? ring) && ring.IsActive;

    private bool IsAlone => context.Options.JoinsRing && !IsInRing && !context.Options.Found && !HasNobody;

    public void Start(TimeSpan now) => context.Timers.Schedule(now + context.Options.JoinPatience, later =>
    {
        _isPatient = false;
        Review(later);
    });

    /// <summary>
    /// Whether the node must not act for a ring as if it were all of it. A service whose members it has met
    /// none of since it was alone stays so for a moment longer: they are being looked for.
    /// </summary>
    public bool IsAloneIn(TimeSpan now, ServiceRing ring)
    {
        if (IsAlone)
        {
            _reachedAt = null;
            ring.IsHeldAlone = true;
        }
        else if (ring.IsHeldAlone)
        {
            _reachedAt ??= now;
            ring.IsHeldAlone = ring.Members.Count == 0 && IsInRing
                && now - _reachedAt < context.Options.JoinPatience;
        }

        return ring.IsHeldAlone;
    }

    /// <summary>Something happened that may change how the node stands.</summary>
    public void Review(TimeSpan now)
    {
        ProveRing(now);
        if (!IsInRing)
        {
            entries.Seek(now);
        }

        RingState state = State;
        if (state == _told || _isReviewing)
        {
            return;
        }

        _isReviewing = true;
        bool wasAlone = _told == RingState.Alone;
        _told = state;
        if (state == RingState.Alone)
        {
            context.Raise(OverlayEventKind.Alone, context.Id, entries.WhyNobody());
        }
        else if (state != RingState.Joining && context.Options.JoinsRing)
        {
            int peers = rings.TryGet(ServiceId.Base, out ServiceRing? ring) ? ring.Members.Count : 0;
            context.Raise(OverlayEventKind.Joined, context.Id, $"{peers} peers");
        }

        foreach (ServiceRing ring in rings.All.ToArray())
        {
            rings.Refresh(now, ring);
        }

        if (wasAlone)
        {
            Discover(now);
        }

        _isReviewing = false;
    }

    /// <summary>
    /// Notes that the ring is reached, once it is by an address that was given or known, or for long enough.
    /// </summary>
    private void ProveRing(TimeSpan now)
    {
        _wasInRing |= rings.TryGet(ServiceId.Base, out ServiceRing? ring) && ring.Members.Exists(
            p => p.Link is { IsOutbound: true, IsEntry: true } || now - p.ConnectedAt >= ProvenAfter);
    }

    /// <summary>Looks for the members of services that were founded while the node was alone.</summary>
    private void Discover(TimeSpan now)
    {
        bool isHeld = false;
        foreach (ServiceRing ring in rings.All.ToArray())
        {
            rings.Refresh(now, ring);
            if (ring.IsHeldAlone && ring.HasMember)
            {
                isHeld = true;
                discovery.Discover(now, ring);
            }
        }

        if (isHeld)
        {
            context.Timers.Schedule(now + DiscoverPeriod, Discover);
        }
    }
}
