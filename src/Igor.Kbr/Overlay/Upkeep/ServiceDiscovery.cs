using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Finds members of a service to whom no connection leads. Each service has a meeting place: the root, in the
/// base overlay, of the key that begins with the service's id. The member nearest to that key keeps a
/// connection to the root, which therefore knows of every ring of the service, and whoever asks there finds
/// them: members that founded rings apart, joiners and clients. Those also ask peers that they have, who know
/// sooner when the service is large.
/// </summary>
internal sealed class ServiceDiscovery(
    NodeContext context,
    RingTable rings,
    Dialer dialer,
    LinkCare care,
    NeighbourExchange exchange,
    NeighbourLookup lookup) : Machine
{
    private const int AskedMax = 32;
    private const int AskedOfManyMax = 320; // questions at once, whatever number of services is begun
    private const int AskedOfManyPerSecond = 1;
    private const int ConnectedMax = 8;
    private const int OpenQuestionsMax = 1024;

    /// <summary>The root changes only with the nodes beside it: it is looked up seldom.</summary>
    private const int RoundsPerLookup = 6;

    private static readonly TimeSpan RoundPeriod = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AskPeriod = TimeSpan.FromMilliseconds(500);

    private readonly HashSet<(Key Peer, ServiceId Service)> _asked = [];
    private readonly TokenBucket _asks = new(AskedOfManyPerSecond, AskedOfManyMax);
    private int _next;

    public override ReadOnlySpan<MessageType> Messages =>
        [MessageType.ServiceQuery, MessageType.ServiceMembers];

    public override void Start(TimeSpan now) =>
        context.Timers.Repeat(now, () => context.Random.Jitter(RoundPeriod), later =>
        {
            ServiceRing[] all = [.. rings.All];
            for (int i = 0; i < all.Length; i++)
            {
                int next = (_next + i) % all.Length;
                if (!RunRound(later, all[next]))
                {
                    _next = next; // where the budget ended this round the next one begins
                    return;
                }
            }
        });

    public override void HandleMemberMissed(TimeSpan now, ServiceId service)
    {
        if (rings.TryGet(service, out ServiceRing? ring))
        {
            Discover(now, ring);
        }
    }

    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        if (frame.Type == MessageType.ServiceQuery)
        {
            HandleQuery(peer, frame.Read<ServiceQueryMessage>().Service);
        }
        else
        {
            HandleMembers(now, peer, frame.Read<ServiceMembersMessage>());
        }
    }

    /// <summary>No member is connected: asks peers whom they know, and goes to the meeting place.</summary>
    public void Discover(TimeSpan now, ServiceRing ring)
    {
        if (ring.DiscoveredAt is { } last && now - last < AskPeriod)
        {
            return;
        }

        ring.DiscoveredAt = now;
        Peer[] peers = context.Peers.Snapshot();
        int asked = Math.Min(AskedMax, peers.Length);
        for (int i = 0; i < asked && _asks.TryTake(now); i++)
        {
            int chosen = i + context.Random.Next(peers.Length - i);
            (peers[i], peers[chosen]) = (peers[chosen], peers[i]);
            Ask(peers[i], ring);
        }

        if (ring != rings.Base)
        {
            GoToMeetingPlace(now, ring);
        }
    }

    /// <summary>
    /// This node has become a member, and has said so to all peers: of two that do so at once the one whom
    /// the meeting place hears last is told of the other.
    /// </summary>
    public void HandleActive(TimeSpan now, ServiceRing ring)
    {
        if (IsNearestToMeetingPlace(ring))
        {
            GoToMeetingPlace(now, ring);
        }
    }

    public override void HandlePeerUp(TimeSpan now, Peer peer)
    {
        foreach (ServiceRing ring in rings.All)
        {
            if (ring.MeetingPlace == peer.Id)
            {
                Ask(peer, ring);
            }
        }
    }

    /// <summary>
    /// Names the members nearest to the asker: those it would have as neighbours. Clients that claim the
    /// service would hide them, and the asker would found a second ring.
    /// </summary>
    private void HandleQuery(Peer asker, ServiceId service)
    {
        var nearest = new List<Contact>(ConnectedMax);
        var walk = new NearnessWalk(
            context.Peers.All, asker.Id, PeerTable.CountBelow(context.Peers.All, asker.Id));
        while (nearest.Count < ConnectedMax && walk.MoveNext())
        {
            Peer peer = walk.Current;
            if (peer != asker && peer.JoinsRing && !peer.Addresses.IsEmpty && !rings.IsBarred(peer)
                && peer.Runs(service))
            {
                nearest.Add(peer.Contact);
            }
        }

        ImmutableArray<Contact> members = asker.Link.Fitting([.. nearest]);
        context.Send(asker, new ServiceMembersMessage(service, members));
    }

    private void HandleMembers(TimeSpan now, Peer peer, in ServiceMembersMessage message)
    {
        (ServiceId service, ImmutableArray<Contact> contacts) = message;
        if (!rings.TryGet(service, out ServiceRing? ring))
        {
            return;
        }

        // What was asked for is worth more, but is not looked for as urgently as the answer to a lookup.
        Teller teller = _asked.Remove((peer.Id, service))
            ? Teller.Asked(peer) with { WasAsked = false }
            : Teller.Unasked(peer);
        foreach (Contact contact in contacts.Take(ring.Members.Count < ConnectedMax ? ConnectedMax : 0))
        {
            dialer.TryDial(now, contact, LinkPurpose.Neighbour, teller);
        }

        exchange.Consider(now, ring, contacts, teller);
    }

    /// <summary>
    /// One member of each ring keeps in touch with the meeting place, the others need not. Returns false when
    /// the budget has nothing left for that.
    /// </summary>
    private bool RunRound(TimeSpan now, ServiceRing ring)
    {
        if (!ring.IsActive || ring == rings.Base || !IsNearestToMeetingPlace(ring))
        {
            MeetAt(ring, null);
            return true;
        }

        bool isThere = ring.MeetingPlace is { } place
            && (place == context.Id || context.Peers.Contains(place));
        if (isThere && context.Random.Next(RoundsPerLookup) != 0)
        {
            return true;
        }

        if (!context.Budget.TrySpend(now, UpkeepBudget.LookupBytes, UpkeepUrgency.Later))
        {
            return false;
        }

        GoToMeetingPlace(now, ring);
        return true;
    }

    private void MeetAt(ServiceRing ring, Key? place)
    {
        Key? before = ring.MeetingPlace;
        ring.MeetingPlace = place;
        care.Review(before);
        care.Review(place);
    }

    private static bool IsNearestToMeetingPlace(ServiceRing ring) =>
        ring.Members.IsNearest(ring.MeetingKey);

    private void GoToMeetingPlace(TimeSpan now, ServiceRing ring) => lookup.Run(
        now, ServiceId.Base, ring.MeetingKey, RouteFlags.None, new NearQuery(1, []), (later, result) =>
        {
            if (result.Near is { } near)
            {
                HandleMeetingPlace(later, ring, result, near);
            }
        });

    private void HandleMeetingPlace(
        TimeSpan now, ServiceRing ring, in RequestResult result, ImmutableArray<Contact> near)
    {
        MeetAt(ring, result.Responder);
        if (context.Peers.TryGet(result.Responder, out Peer? peer))
        {
            Ask(peer, ring);
        }
        else if (near is [var root, ..] && root.Id == result.Responder)
        {
            dialer.TryDial(now, root, LinkPurpose.MeetingPlace, result.Teller);
        }
    }

    private void Ask(Peer peer, ServiceRing ring)
    {
        if (_asked.Count >= OpenQuestionsMax)
        {
            _asked.Clear(); // of peers that never answered; who does now is taken for one that was not asked
        }

        _asked.Add((peer.Id, ring.Id));
        context.Send(peer, new ServiceQueryMessage(ring.Id));
    }
}
