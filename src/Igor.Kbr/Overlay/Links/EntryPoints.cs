using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// Addresses through which a ring may be found: those given at start, and those of members that are known and
/// away. A node that reaches nobody tries all of them, again and again; one that is in a ring tries them
/// slowly, so that rings that formed apart, or were cut apart, find one another.
/// </summary>
internal sealed class EntryPoints(
    NodeContext context, Dialer dialer, RingTable rings, AwayMembers away) : Machine
{
    private static readonly TimeSpan SeekPeriod = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan AwayPeriod = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AwaySmallPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan GivenMin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan GivenSmallPeriod = TimeSpan.FromSeconds(2);

    /// <summary>
    /// All nodes of a ring together knock at each given address once in that time, however many they are, so
    /// that each does it the more seldom the larger the ring is.
    /// </summary>
    private static readonly TimeSpan GivenPerNode = TimeSpan.FromSeconds(1);

    /// <summary>Rings that were apart are to find one another within a day, however large they are.</summary>
    private const double NodesMax = 24 * 3600;

    /// <summary>
    /// The next given address is tried when one is slower than most connections are, so that three are tried
    /// before the patience of a joining node ends.
    /// </summary>
    private static readonly TimeSpan NextGivenAfter = TimeSpan.FromMilliseconds(600);

    /// <summary>Who was told by members that they are full knows that there is a ring.</summary>
    private static readonly TimeSpan FullFor = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A node with fewer members connected may be in a part of a small ring, whose other part it would
    /// split from: it looks for those that are missing as one that reaches nobody does. In a large ring
    /// that would be a storm.
    /// </summary>
    private const int SmallMax = 8;

    private TimeSpan? _fullAt;
    private IReadOnlyList<string> _given = context.Options.Bootstrap;
    private bool _isSeeking;
    private bool _awaitsAway;
    private int _tried = -1;
    private TimeSpan _nextGivenAt;

    /// <summary>Members worth remembering over a restart: those connected, then those away.</summary>
    public IEnumerable<KnownMember> KnownMembers => context.Peers.All
        .Where(p => p.Standing == PeerStanding.Member) // what others claim would be dialled next time
        .Select(p => p.Contact)
        .Concat(away.All)
        .Take(AwayMembers.CountMax)
        .Where(contact => !contact.Addresses.IsEmpty)
        .Select(contact => new KnownMember(contact.Id, contact.Addresses));

    private bool IsSmall => rings.Base.Members.Count < SmallMax;

    private TimeSpan GivenPeriod
    {
        get
        {
            TimeSpan period = GivenPerNode * Math.Min(RingSize.Estimate(rings.Base.Neighbours), NodesMax);
            return IsSmall ? GivenSmallPeriod : period > GivenMin ? period : GivenMin;
        }
    }

    public override void Start(TimeSpan now)
    {
        away.Recall(now, context.Id, context.Options.KnownMembers);
        Seek(now);
        Give(now, _given);
        AwaitAway(now);
    }

    /// <summary>From now on other rings are looked for at these addresses.</summary>
    public void Give(TimeSpan now, IReadOnlyList<string> addresses)
    {
        _given = addresses;
        if (addresses.Count > 0)
        {
            context.Timers.Repeat(now, () => context.Random.Jitter(GivenPeriod), LookForOthers);
        }
    }

    /// <summary>Tries everything, and goes on until this node is in a ring with others.</summary>
    public void Seek(TimeSpan now)
    {
        if (!_isSeeking)
        {
            _isSeeking = true;
            SeekOn(now);
        }
    }

    /// <summary>Why nobody is reached, in one line for people.</summary>
    public string WhyNobody()
    {
        if (rings.KnowsBarred)
        {
            return "all members that are connected drop requests";
        }

        string[] addresses =
            [.. _given, .. away.Reachable.Select(contact => contact.Addresses[0])];
        return context.Peers.All.Exists(p => p.JoinsRing && !p.Runs(ServiceId.Base))
            ? "those that answer look for a ring themselves"
            : addresses.Length > 0 ? dialer.WhyNowhere(addresses)
            : away.Count > 0 ? "members are lost that gave no address where this node may connect to"
            : "there is nobody to connect to";
    }

    /// <summary>Whether this node was turned away just now because others are full.</summary>
    public bool IsTurnedAway(TimeSpan now) => _fullAt is { } at && now - at < FullFor;

    /// <summary>
    /// A node that this one dialled has no room, and names members that may have: who reaches nobody tries
    /// them all, who is in a ring one of them, since theirs may be another one.
    /// </summary>
    public void HandleFull(TimeSpan now, Link link, ImmutableArray<Contact> others)
    {
        _fullAt = now;
        if (!link.IsOwnEntry)
        {
            return;
        }

        bool isInRing = rings.IsInRing;
        Contact[] order = [.. others];
        context.Random.Shuffle(order);
        foreach (Contact other in order.Take(isInRing ? 1 : order.Length))
        {
            dialer.TryDial(now, other, LinkPurpose.Entry, Teller.Asked(link));
        }
    }

    public override void HandlePeerUp(TimeSpan now, Peer peer)
    {
        away.Remove(peer.Id);
        if (_isSeeking && !peer.Runs(ServiceId.Base))
        {
            DialGiven(now);
        }
    }

    /// <summary>Remembers a lost neighbour or finger; one without an address may be back by itself.</summary>
    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason)
    {
        if (reason == DepartureReason.Failed && peer.JoinsRing
            && peer.Runs(ServiceId.Base)
            && (peer.Standing == PeerStanding.Member || rings.IsBarred(peer) || rings.IsNeighbour(peer)))
        {
            away.Add(now, peer.Contact, now - peer.ConnectedAt, Teller.Asked(peer));
            AwaitAway(now);
        }
    }

    /// <summary>
    /// A member is not at that address any more: another node answers there. That does not make this node the
    /// last one of its ring, so while it reaches nobody it forgets none.
    /// </summary>
    public void HandleReplaced(Key id, string address)
    {
        if (rings.IsInRing)
        {
            away.HandleReplaced(id, address);
        }
    }

    private void SeekOn(TimeSpan now)
    {
        if (rings.IsInRing || _given.Count + away.Count == 0)
        {
            _isSeeking = false;
            return;
        }

        try
        {
            DialAll(now);
        }
        finally
        {
            context.Timers.Schedule(now + context.Random.Jitter(SeekPeriod), SeekOn);
        }
    }

    private void DialAll(TimeSpan now)
    {
        DialGiven(now);
        foreach (Contact contact in away.Reachable)
        {
            dialer.TryDial(
                now, new Dialer.Wish(contact.Addresses, contact.Id, LinkPurpose.Entry, IsSeeking: true));
        }
    }

    /// <summary>Somewhere there may be another ring; who joins one now does not look yet.</summary>
    private void LookForOthers(TimeSpan now)
    {
        bool isJoining =
            rings.IsInRing && !rings.Base.IsActive && now - rings.Base.JoinStarted < GivenMin;
        if (!isJoining)
        {
            DialGiven(now);
        }
    }

    /// <summary>
    /// One that is in the ring is enough, so they are tried one after the other; but where those that answer
    /// look for a ring themselves, or are few, the others may be in one, or in another one.
    /// </summary>
    private void DialGiven(TimeSpan now)
    {
        if (context.Peers.Count > 0 && (!rings.IsInRing || IsSmall))
        {
            foreach (string address in _given)
            {
                DialGiven(now, address);
            }
        }
        else if (_given.Count > 0
            && (now >= _nextGivenAt || !dialer.IsConnecting(_given[_tried % _given.Count])))
        {
            DialGiven(now, _given[++_tried % _given.Count]);
            _nextGivenAt = now + NextGivenAfter;
        }
    }

    private void DialGiven(TimeSpan now, string address)
    {
        bool mayWait = rings.IsInRing && !IsSmall;
        if (!IsConnected(address)
            && (!mayWait || context.Budget.Allows(now, UpkeepBudget.ConnectionBytes, UpkeepUrgency.Later)))
        {
            bool isSeeking = (_isSeeking || IsSmall) && !IsTurnedAway(now); // the others that it named first
            dialer.TryDial(now, new Dialer.Wish([address], null, LinkPurpose.Entry, IsSeeking: isSeeking));
        }
    }

    /// <summary>As long as somebody is away.</summary>
    private void AwaitAway(TimeSpan now)
    {
        if (away.Count > 0 && !_awaitsAway)
        {
            _awaitsAway = true;
            context.Timers.Schedule(
                now + context.Random.Jitter(IsSmall ? AwaySmallPeriod : AwayPeriod), RunAway);
        }
    }

    private void RunAway(TimeSpan now)
    {
        _awaitsAway = false;
        AwaitAway(now);
        away.Expire(now, rings.IsInRing);
        Contact[] reachable = [.. away.Reachable];
        if (reachable.Length > 0)
        {
            Contact contact = reachable[context.Random.Next(reachable.Length)];
            // Within a budget: it may have named somebody else's address, and gone.
            Teller? teller = away.TellerOf(contact.Id);
            var wish = new Dialer.Wish(
                contact.Addresses, contact.Id, LinkPurpose.Entry, teller, IsSeeking: IsSmall);
            dialer.TryDial(now, wish);
        }
    }

    /// <summary>
    /// Whether the node that was reached at the address is connected, or about to be. What addresses a peer
    /// says that it has does not count, since one that claims a bootstrap address would keep this node away
    /// from it.
    /// </summary>
    private bool IsConnected(string address) =>
        dialer.IsConnecting(address) || context.Peers.All.Exists(peer => peer.FoundAt.Contains(address));
}
