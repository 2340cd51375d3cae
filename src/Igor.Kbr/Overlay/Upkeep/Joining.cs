using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Joins rings: finds a member to enter through, asks the ring for the neighbours of its own id, connects to
/// them, and announces itself only when the nearest of them confirm its place, so that nobody routes to a
/// node that does not know its surroundings. Founds the ring where there is none to join.
/// </summary>
internal sealed class Joining(
    NodeContext context,
    RingTable rings,
    Dialer dialer,
    EntryPoints entries,
    LinkCare care,
    NeighbourExchange exchange,
    PlaceCheck places,
    ServiceDiscovery discovery,
    Isolation isolation,
    NeighbourLookup lookup) : Machine
{
    /// <summary>Lookups of the own id before others are made beside it, whose roots may be of help.</summary>
    private const int LookupsBesideAfter = 4;

    /// <summary>
    /// Steps on the word of the nearest, who know a few nodes each, before the ring is asked again: one whose
    /// neighbours on one side came after its lookup would go around the ring step by step.
    /// </summary>
    private const int StepsMax = 2;

    /// <summary>An eighth of the ring away.</summary>
    private const int FarthestBeside = 253;

    private static readonly TimeSpan StepPeriod = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan FounderPatience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan DiscoveryPatience = TimeSpan.FromMilliseconds(600);

    /// <summary>Who runs many services lists them after its hello, or is not waited for.</summary>
    private static readonly TimeSpan ListPatience = TimeSpan.FromSeconds(3);

    private bool _isStepping;

    private Alarm NextStep => field ??= new(context.Timers, StepAll);

    public override void Start(TimeSpan now)
    {
        if (context.Options.JoinsRing)
        {
            rings.Base.HasMember = true;
            Begin(now, rings.Base);
        }
    }

    public override void HandlePeerUp(TimeSpan now, Peer peer)
    {
        ConfirmPlaces(now, peer, peer.Services.InOrder);
        StepAll(now);
    }

    public override void HandleServicesChanged(TimeSpan now, Peer peer, List<ServiceId> changed)
    {
        ConfirmPlaces(now, peer, changed);
        StepAll(now);
    }

    public override void HandleLinksChanged(TimeSpan now) => StepAll(now);

    public void Begin(TimeSpan now, ServiceRing ring)
    {
        ring.BeginJoining(now);
        StepAll(now);
    }

    /// <summary>
    /// A node that was all there was of a ring has met a first member. That one may have joined through it,
    /// or be of a ring in which others stand between the two.
    /// </summary>
    private void ConfirmPlaces(TimeSpan now, Peer peer, IEnumerable<ServiceId> services)
    {
        if (now == rings.VouchedAt)
        {
            return;
        }

        foreach (ServiceId service in services)
        {
            if (rings.TryGet(service, out ServiceRing? ring) && RingTable.IsFirst(ring, peer))
            {
                places.Run(now, ring, (later, _, nearer) =>
                {
                    if (ring.IsActive && !nearer.IsEmpty)
                    {
                        rings.JoinAnew(later, ring);
                        StepAll(later);
                    }
                });
            }
        }
    }

    /// <summary>Something may let a joining ring go on: a peer is there, or a dial failed.</summary>
    private void StepAll(TimeSpan now)
    {
        if (_isStepping)
        {
            return;
        }

        _isStepping = true;
        try
        {
            foreach (ServiceRing ring in rings.All)
            {
                Step(now, ring);
            }
        }
        finally
        {
            _isStepping = false;
            if (rings.All.Any(IsJoining))
            {
                NextStep.Set(now + StepPeriod);
            }
        }
    }

    private static bool IsJoining(ServiceRing ring) => ring.HasMember && !ring.IsActive;

    private void Step(TimeSpan now, ServiceRing ring)
    {
        switch (ring.Phase)
        {
            case RingPhase.Seeking or RingPhase.Connecting when now < ring.PausedUntil:
                break;
            case RingPhase.Seeking:
                Seek(now, ring);
                break;
            case (RingPhase.LookingUp or RingPhase.Verifying) when now >= ring.StepDeadline:
                ring.Phase = RingPhase.Seeking;
                break;
            case RingPhase.Connecting:
                FinishConnecting(now, ring);
                break;
        }
    }

    private void Seek(TimeSpan now, ServiceRing ring)
    {
        if (ring != rings.Base && !rings.Base.IsActive)
        {
            return;
        }

        if (ring.Members.Count > 0 && ring.JoinAttempts == 0 && KnowsMost(ring))
        {
            Verify(now, ring);
        }
        else if (ring.Members.Count > 0)
        {
            Peer entry = ring.Members[context.Random.Next(ring.Members.Count)];
            ring.Phase = RingPhase.LookingUp;
            ring.StepDeadline = now + NeighbourLookup.Timeout + StepPeriod;
            lookup.Run(now, ring, Aim(ring), entry.Id, (later, result) => HandleLookup(later, ring, result));
        }
        else if (ring == rings.Base ? MayFoundBase(now, ring) : MayFoundService(now, ring))
        {
            Activate(now, ring);
        }
    }

    /// <summary>
    /// Whether this node is connected to most nodes that there are: then it knows most members of any
    /// service, and need not look up those near its place before it asks for it.
    /// </summary>
    private bool KnowsMost(ServiceRing ring) => ring != rings.Base
        && 2 * rings.Base.Members.Count >= RingSize.Estimate(rings.Base.Neighbours);

    /// <summary>
    /// A node founds the ring at once when it has nobody to join; when those it reached are joining
    /// themselves, the lowest id among them does; and when it can reach nobody, after some patience it goes
    /// on by itself, as a founder or alone.
    /// </summary>
    private bool MayFoundBase(TimeSpan now, ServiceRing ring)
    {
        if (rings.Solitude.HasNobody)
        {
            return true;
        }

        if (entries.IsTurnedAway(now))
        {
            return false; // there is a ring
        }

        if (context.Peers.All.Exists(peer => IsListAwaited(now, peer)))
        {
            return false; // it may be a member
        }

        TimeSpan waited = now - ring.JoinStarted;
        bool isLowest = context.Peers.Count > 0
            && context.Peers.All.TrueForAll(p => !p.JoinsRing || p.Id > context.Id);
        return (isLowest && dialer.IsIdle && waited >= FounderPatience)
            || waited >= context.Options.JoinPatience;
    }

    private static bool IsListAwaited(TimeSpan now, Peer peer) =>
        peer.JoinsRing && peer.Services.Version == 0 && now - peer.ConnectedAt < ListPatience;

    private bool MayFoundService(TimeSpan now, ServiceRing ring)
    {
        if (context.Peers.Count == 0)
        {
            return true;
        }

        discovery.Discover(now, ring);
        TimeSpan waited = now - ring.JoinStarted;
        return waited >= DiscoveryPatience && (dialer.IsIdle || waited >= context.Options.JoinPatience);
    }

    /// <summary>
    /// The key whose neighbours are asked for: this node's own id, and when that has led to nothing for some
    /// time, also ever farther beside it, where the root is another node.
    /// </summary>
    private Key Aim(ServiceRing ring)
    {
        int beside = ++ring.Lookups - LookupsBesideAfter;
        if (ring.LastRoot is not { } root || beside <= 0 || beside % 2 == 0)
        {
            return context.Id;
        }

        bool isAhead = root - context.Id < context.Id - root;
        int distance = (isAhead ? root - context.Id : context.Id - root).HighestBit();
        Key offset = Key.PowerOfTwo(Math.Min(distance + beside, FarthestBeside));
        return beside % 4 == 1 == isAhead ? context.Id - offset : context.Id + offset;
    }

    private void HandleLookup(TimeSpan now, ServiceRing ring, RequestResult result)
    {
        if (ring.Phase != RingPhase.LookingUp)
        {
            return;
        }

        ring.LastRoot = result.Responder == default ? ring.LastRoot : result.Responder;
        ring.StepsSinceLookup = 0;
        if (result.Near is { } near)
        {
            exchange.Consider(now, ring, near, result.Teller);
            Connect(now, ring, near);
        }
        else
        {
            TryAgain(now, ring);
        }
    }

    private void Connect(TimeSpan now, ServiceRing ring, ImmutableArray<Contact> contacts)
    {
        ring.Awaited = [.. contacts.Select(c => c.Id).Where(id => id != context.Id)];
        ring.Phase = RingPhase.Connecting;
        ring.StepDeadline = now + ConnectPatience;
        StepAll(now);
    }

    private void FinishConnecting(TimeSpan now, ServiceRing ring)
    {
        ring.Awaited.RemoveAll(id => context.Peers.Contains(id) || !dialer.IsConnecting(id));
        if (ring.Awaited.Count > 0 && now < ring.StepDeadline)
        {
            return;
        }

        if (ring.Members.Count == 0)
        {
            ring.Phase = RingPhase.Seeking; // who led into the ring is gone
            return;
        }

        Verify(now, ring);
    }

    private void Verify(TimeSpan now, ServiceRing ring)
    {
        ring.Phase = RingPhase.Verifying;
        ring.StepDeadline = now + NeighbourLookup.Timeout + StepPeriod;
        places.Run(now, ring, (later, isRight, nearer) => HandlePlace(later, ring, isRight, nearer));
    }

    private void HandlePlace(TimeSpan now, ServiceRing ring, bool isRight, ImmutableArray<Contact> nearer)
    {
        if (ring.Phase != RingPhase.Verifying)
        {
            return;
        }

        if (isRight)
        {
            Activate(now, ring);
            return;
        }

        bool isProgress = !nearer.IsEmpty && !nearer.Any(one => ring.Lacking.Any(old => old.Id == one.Id));
        ring.Lacking = nearer;
        if (isProgress && ring.Lookups < LookupsBesideAfter && ring.StepsSinceLookup++ < StepsMax)
        {
            ring.JoinAttempts = 0;
            Connect(now, ring, nearer);
        }
        else
        {
            TryAgain(now, ring);
            ring.Phase = nearer.IsEmpty ? RingPhase.Connecting : RingPhase.Seeking; // one just asks again
        }
    }

    /// <summary>
    /// Begins anew after a pause that grows while nothing changes: whoever cannot be reached is asked for
    /// until those who named it name it no more.
    /// </summary>
    private void TryAgain(TimeSpan now, ServiceRing ring)
    {
        ring.Phase = RingPhase.Seeking;
        TimeSpan pause = TimeSpan.FromMilliseconds(100 * Math.Pow(2, Math.Min(++ring.JoinAttempts, 6)));
        ring.PausedUntil = now + context.Random.Jitter(pause);
    }

    private void Activate(TimeSpan now, ServiceRing ring)
    {
        ring.Phase = RingPhase.Active;
        ring.ForgetJoining();
        rings.Refresh(now, ring);
        if (ring == rings.Base)
        {
            isolation.Review(now);
            foreach (ServiceRing other in rings.All)
            {
                other.JoinStarted = now;
            }

            care.EndEntries(now);
        }
        else
        {
            discovery.HandleActive(now, ring);
        }
    }
}
