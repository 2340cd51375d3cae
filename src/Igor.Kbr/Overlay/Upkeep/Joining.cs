using System.Collections.Immutable;
using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

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
    ServiceDiscovery discovery,
    Isolation isolation,
    IControlRequests requests) : Machine
{
    /// <summary>With the pauses, as long as a connection that is of no use is kept.</summary>
    private const int LookIntoTriesMax = 8;

    private static readonly TimeSpan StepPeriod = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LookupTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan FounderPatience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan DiscoveryPatience = TimeSpan.FromMilliseconds(600);
    private static readonly TimeSpan LookIntoPause = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Who runs many services says which soon after its hello; who never does is not waited for.
    /// </summary>
    private static readonly TimeSpan ListPatience = TimeSpan.FromSeconds(3);

    private readonly PlaceCheck _places = new(context, requests);
    private bool _isStepping;
    private bool _isStepScheduled;

    public override void Start(TimeSpan now)
    {
        if (context.Options.JoinsRing)
        {
            ServiceRing ring = rings.GetOrAdd(now, ServiceId.Base, string.Empty);
            ring.HasMember = true;
            Begin(now, ring);
        }
    }

    public override void HandlePeerUp(TimeSpan now, Peer peer)
    {
        if (peer.Link.IsOwnEntry)
        {
            LookInto(now, peer);
        }

        StepAll(now);
    }

    public override void HandleServicesChanged(TimeSpan now, Peer peer, List<ServiceId> changed)
    {
        if (peer.Link.IsOwnEntry && changed.Contains(ServiceId.Base))
        {
            LookInto(now, peer); // its hello did not list what it runs
        }

        StepAll(now);
    }

    public override void HandleLinksChanged(TimeSpan now) => StepAll(now);

    public void Begin(TimeSpan now, ServiceRing ring)
    {
        ring.Phase = RingPhase.Seeking;
        ring.JoinStarted = now;
        ring.StepDeadline = now;
        StepAll(now);
        ScheduleStep(now);
    }

    /// <summary>
    /// Something happened that may let a joining ring go on: a peer is there, or a dial failed.
    /// </summary>
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
        }
    }

    /// <summary>
    /// An active member met a peer that it found through an address, not through its ring: perhaps the peer's
    /// ring is another one. Looking for its own neighbours there makes the two merge: in a few rings, and who
    /// is met there says what others it runs.
    /// </summary>
    private void LookInto(TimeSpan now, Peer peer)
    {
        ServiceRing[] shared =
            [.. rings.All.Where(r => r.IsActive && peer.Runs(r.Id)).Take(HelloMessage.ServicesListedMax)];
        foreach (ServiceRing ring in shared)
        {
            LookInto(now, ring, peer, LookIntoTriesMax);
        }
    }

    private void LookInto(TimeSpan now, ServiceRing ring, Peer peer, int tries) =>
        LookUpNeighbours(now, ring, peer.Id, (later, result) =>
        {
            if (result.Status == KbrStatus.Ok
                && NearReply.TryRead(result.Payload, out ImmutableArray<Contact> contacts))
            {
                exchange.Consider(later, ring, contacts, result.Teller);
            }
            else if (tries > 1 && context.Peers.IsConnected(peer))
            {
                context.Timers.Schedule(later + context.Random.Jitter(LookIntoPause), again =>
                {
                    if (ring.IsActive && context.Peers.IsConnected(peer))
                    {
                        LookInto(again, ring, peer, tries - 1);
                    }
                });
                return;
            }

            care.EndEntry(later, peer);
        });

    private void ScheduleStep(TimeSpan now)
    {
        if (_isStepScheduled)
        {
            return;
        }

        _isStepScheduled = true;
        context.Timers.Schedule(now + StepPeriod, later =>
        {
            _isStepScheduled = false;
            try
            {
                StepAll(later);
            }
            finally
            {
                if (rings.All.Any(IsJoining))
                {
                    ScheduleStep(later);
                }
            }
        });
    }

    private static bool IsJoining(ServiceRing ring) => ring.HasMember && !ring.IsActive;

    private void Step(TimeSpan now, ServiceRing ring)
    {
        switch (ring.Phase)
        {
            case RingPhase.Seeking when now >= ring.StepDeadline:
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
        if (ring.Id != ServiceId.Base && !IsBaseActive())
        {
            return;
        }

        if (ring.Members.Count > 0)
        {
            Peer entry = ring.Members[context.Random.Next(ring.Members.Count)];
            ring.Phase = RingPhase.LookingUp;
            ring.StepDeadline = now + LookupTimeout + StepPeriod;
            LookUpNeighbours(now, ring, entry.Id, (later, result) => HandleLookup(later, ring, result));
        }
        else if (ring.Id == ServiceId.Base ? MayFoundBase(now, ring) : MayFoundService(now, ring))
        {
            Activate(now, ring);
        }
    }

    private bool IsBaseActive() => rings.TryGet(ServiceId.Base, out ServiceRing? ring) && ring.IsActive;

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

        if (ring.JoinAttempts++ % 2 == 0)
        {
            discovery.Discover(now, ring);
        }

        TimeSpan waited = now - ring.JoinStarted;
        return waited >= DiscoveryPatience && (dialer.IsIdle || waited >= context.Options.JoinPatience);
    }

    private void LookUpNeighbours(
        TimeSpan now, ServiceRing ring, Key through, Action<TimeSpan, RequestResult> completed)
    {
        var request = new OwnRequest
        {
            Service = ring.Id,
            Destination = context.Id,
            Flags = RouteFlags.Control | RouteFlags.ExcludeSource,
            Deadline = now + LookupTimeout,
            FirstHop = through,
            Completed = completed,
        };
        request.Keep(new NearQuery(WireLimits.ContactsMax, ring.MemberTerms()).Write());
        requests.Begin(now, request);
    }

    private void HandleLookup(TimeSpan now, ServiceRing ring, RequestResult result)
    {
        if (ring.Phase != RingPhase.LookingUp)
        {
            return;
        }

        if (result.Status != KbrStatus.Ok
            || !NearReply.TryRead(result.Payload, out ImmutableArray<Contact> contacts))
        {
            TryAgain(now, ring);
            return;
        }

        Connect(now, ring, contacts, result.Teller);
    }

    /// <summary>Checks its place when those who are said to be near are connected.</summary>
    private void Connect(
        TimeSpan now, ServiceRing ring, ImmutableArray<Contact> contacts, Teller? teller)
    {
        exchange.Consider(now, ring, contacts, teller);
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

        ring.Phase = RingPhase.Verifying;
        ring.StepDeadline = now + LookupTimeout + StepPeriod;
        _places.Run(now, ring, (later, result) => HandlePlace(later, ring, result));
    }

    private void HandlePlace(TimeSpan now, ServiceRing ring, in PlaceCheckResult result)
    {
        if (ring.Phase != RingPhase.Verifying)
        {
            return;
        }

        if (result.IsRight)
        {
            Activate(now, ring);
            return;
        }

        bool isProgress = !result.Nearer.Any(ring.Lacking.Contains);
        ring.JoinAttempts = isProgress ? 0 : ring.JoinAttempts;
        ring.Lacking = result.Nearer;
        if (isProgress && !result.Nearer.IsEmpty)
        {
            Connect(now, ring, result.Nearer, result.Teller);
            return;
        }

        exchange.Consider(now, ring, result.Nearer, result.Teller);
        TryAgain(now, ring);
    }

    /// <summary>
    /// Begins anew after a pause that grows while nothing changes: whoever cannot be reached is asked for
    /// until those who named it name it no more.
    /// </summary>
    private void TryAgain(TimeSpan now, ServiceRing ring)
    {
        ring.Phase = RingPhase.Seeking;
        TimeSpan pause = TimeSpan.FromMilliseconds(100 * Math.Pow(2, Math.Min(++ring.JoinAttempts, 6)));
        ring.StepDeadline = now + context.Random.Jitter(pause);
    }

    private void Activate(TimeSpan now, ServiceRing ring)
    {
        ring.Phase = RingPhase.Active;
        ring.Awaited = [];
        ring.Lacking = [];
        rings.Refresh(now, ring);
        if (ring.Id == ServiceId.Base)
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
