using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Keeps neighbour sets right: where the digests of two peers differ, and after a loss, says whom this node
/// knows in a ring, is told the contacts that it lacks, and connects to those. A comparison that changes
/// nothing is made again ever more rarely: two nodes may not be able to reach each other.
/// </summary>
internal sealed class NeighbourExchange(
    NodeContext context, RingTable rings, Dialer dialer) : Machine
{
    /// <summary>Rings compared at once with one peer, of those that changed since both agreed last.</summary>
    private const int RingsAtOnceMax = 16;

    private const int ComparisonBytes = 300;
    private const int AnswersAtOnceMax = 2 * RingsAtOnceMax;
    private const int AnswersPerSecond = 4;

    /// <summary>Others see a death when this node does, or a moment later.</summary>
    private static readonly TimeSpan SoonAfterLoss = TimeSpan.FromMilliseconds(150);

    private static readonly TimeSpan CompareAgainFirst = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan CompareAgainMax = TimeSpan.FromSeconds(60);

    /// <summary>What was asked for is answered by then, if at all.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan AwaitFor = TimeSpan.FromSeconds(1.5);

    /// <summary>More are not dialled within that time.</summary>
    private const int BrieflyUpMax = 64;

    /// <summary>A node that accepts and closes is not dialled again sooner, whoever names it.</summary>
    private static readonly TimeSpan BrieflyUp = TimeSpan.FromSeconds(10);

    /// <summary>A link that lived so long was good, and is worth a new one at once.</summary>
    private static readonly TimeSpan LongUp = TimeSpan.FromSeconds(30);

    private readonly Queue<(Key Id, TimeSpan DownAt)> _brieflyUp = [];
    private readonly PerPeer<TimeSpan> _agreedAt = new(context.Peers, () => default); // digests were equal
    private readonly PerPeer<Comparison?> _comparisons = new(context.Peers, () => null); // few differ
    private readonly SortedDictionary<Key, SortedSet<UInt128>> _ends = [];

    public override ReadOnlySpan<MessageType> Messages => [MessageType.Neighbours];

    /// <summary>
    /// Neighbours were lost: the farthest that are left on that side know the next ones. Those who came in
    /// their place from afar do not.
    /// </summary>
    public override void HandleRingChanged(TimeSpan now, ServiceId service, NeighbourChange change)
    {
        NeighbourSet set = change.Neighbours;
        foreach (Departure departed in change.Departed)
        {
            if (departed.Reason != DepartureReason.Displaced && set.IsMember)
            {
                bool isAhead = departed.Id - set.Self < set.Self - departed.Id;
                CompareSoon(now, service, isAhead ? set.Clockwise : set.CounterClockwise, change.Joined);
            }
        }
    }

    /// <summary>
    /// The connection to a neighbour is dead, which does not mean that the neighbour is: after a short cut a
    /// new one comes through before the old one does. Each costs, so that who closes young ones waits.
    /// </summary>
    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason)
    {
        TimeSpan up = now - peer.ConnectedAt;
        if (reason == DepartureReason.Failed && up < BrieflyUp && peer.WasDialled)
        {
            _brieflyUp.Enqueue((peer.Id, now));
            if (_brieflyUp.Count > BrieflyUpMax)
            {
                _brieflyUp.Dequeue();
            }
        }
        else if (reason == DepartureReason.Failed && up >= LongUp && peer.JoinsRing
            && rings.All.FirstOrDefault(r => r.IsActive && peer.Runs(r.Id)
                && r.WouldBeNeighbour(peer.Id, context.Options.NeighboursPerSide)) is { } ring)
        {
            ConnectOnce(now, ring, peer.Contact, Teller.Unasked(peer), Of(peer).Awaited);
        }
    }

    public void HandleDigest(TimeSpan now, Peer peer, ulong digest)
    {
        ulong own = rings.Pairs.Of(peer);
        if (digest == own)
        {
            _agreedAt[peer] = now;
        }
        else if (now >= Of(peer).NotBefore)
        {
            Of(peer).HandleDifference(now, own, digest);
            foreach (ServiceRing ring in
                Unlike(rings.All.Where(ring => MayDiffer(ring, peer))).Take(RingsAtOnceMax))
            {
                Compare(now, ring, peer);
            }
        }
    }

    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        NeighboursMessage message = frame.Read<NeighboursMessage>();
        if (!rings.TryGet(message.Service, out ServiceRing? ring))
        {
            return;
        }

        Comparison comparison = Of(peer);
        comparison.NotBefore = now + CompareAgainFirst;
        Teller teller = now < comparison.AskedUntil ? Teller.Asked(peer) : Teller.Unasked(peer);
        foreach (Contact contact in message.Contacts)
        {
            if (dialer.HasFailed(now, contact))
            {
                context.Send(peer, new QuietPeerMessage(contact.Id)); // the teller may ask it too
            }
            else
            {
                ConnectOnce(now, ring, contact, teller, comparison.Awaited);
            }
        }

        if (message.WantsReply && ring.IsActive && comparison.Answers.TryTake(now))
        {
            Answer(now, ring, peer, message.Known);
        }
    }

    /// <summary>Connects to nodes that would be neighbours; no teller: this node knows them itself.</summary>
    public void Consider(TimeSpan now, ServiceRing ring, IEnumerable<Contact> contacts, Teller? teller)
    {
        foreach (Contact contact in contacts)
        {
            Consider(now, ring, contact, teller);
        }
    }

    private void Consider(TimeSpan now, ServiceRing ring, in Contact contact, in Teller? teller)
    {
        Key id = contact.Id;
        if (ring.WouldBeNeighbour(id, context.Options.NeighboursPerSide)
            && (!ring.IsActive // it takes no place before it has met its neighbours
                || (context.Budget.Allows(now, UpkeepBudget.ConnectionBytes, UpkeepUrgency.Now)
                    && !_brieflyUp.Any(one => one.Id == id && now - one.DownAt < BrieflyUp))))
        {
            dialer.TryDial(now, contact, LinkPurpose.Neighbour, teller);
        }
    }

    /// <summary>A node that would be a neighbour is not reached: whoever told of it may not know.</summary>
    public void HandleDialFailed(in Dialer.Wish wish)
    {
        if (wish is { Purpose: LinkPurpose.Neighbour, Expected: { } quiet, Teller: { } teller }
            && context.Peers.TryGet(teller.Id, out Peer? peer))
        {
            context.Send(peer, new QuietPeerMessage(quiet));
        }
    }

    /// <summary>
    /// Two that learn of each other both would connect, and make two connections: the one that the other
    /// follows clockwise does at once, and the other one if nothing came of that.
    /// </summary>
    private void ConnectOnce(
        TimeSpan now, ServiceRing ring, Contact contact, Teller teller, HashSet<Key> awaited)
    {
        bool isAhead = contact.Id - context.Id < context.Id - contact.Id;
        if (isAhead || !ring.IsActive)
        {
            Consider(now, ring, contact, teller);
        }
        else if (ring.WouldBeNeighbour(contact.Id, context.Options.NeighboursPerSide)
            && !contact.Addresses.IsEmpty && !context.Peers.Contains(contact.Id)
            && awaited.Count < 2 * context.Options.NeighboursPerSide && awaited.Add(contact.Id))
        {
            ConnectLater(now, ring, contact, teller, awaited);
        }
    }

    private void ConnectLater(
        TimeSpan now, ServiceRing ring, Contact contact, Teller teller, HashSet<Key> awaited) =>
        context.Timers.Schedule(now + AwaitFor, later =>
        {
            awaited.Remove(contact.Id);
            Consider(later, ring, contact, teller);
        });

    private Comparison Of(Peer peer) => _comparisons[peer] ??= new Comparison();

    /// <summary>
    /// Whether the two may see a ring differently. Where it has not changed here since they agreed, it
    /// changed at the peer, which says so.
    /// </summary>
    private bool MayDiffer(ServiceRing ring, Peer peer) =>
        AreBothIn(ring, peer) && ring.ChangedAt + AnswerTime >= _agreedAt[peer];

    /// <summary>
    /// A peer may run the service and have no place in the ring: a client may claim to, and whoever drops
    /// requests has none.
    /// </summary>
    private static bool AreBothIn(ServiceRing ring, Peer peer) =>
        ring.IsActive && ring.Neighbours.Count > 0 && ring.Members.Contains(peer);

    /// <summary>
    /// Of rings in which this node has the same neighbours only one: whoever is met there says that it runs
    /// the others too.
    /// </summary>
    private static IEnumerable<ServiceRing> Unlike(IEnumerable<ServiceRing> rings) =>
        rings.DistinctBy(ring => (ring.Neighbours.Clockwise[0], ring.Neighbours.Clockwise[^1],
            ring.Neighbours.CounterClockwise[^1], ring.Neighbours.Count));

    private void CompareSoon(
        TimeSpan now, ServiceId service, ImmutableArray<Key> side, ImmutableArray<Key> joined)
    {
        Key? end = null;
        foreach (Key id in side)
        {
            end = joined.Contains(id) ? end : id;
        }

        if (end is not { } farthest)
        {
            return;
        }

        if (_ends.Count == 0)
        {
            context.Timers.Schedule(now + context.Random.Jitter(SoonAfterLoss, 0.6), CompareWithEnds);
        }

        if (!_ends.TryGetValue(farthest, out SortedSet<UInt128>? services))
        {
            _ends[farthest] = services = [];
        }

        services.Add(service.Value);
    }

    private void CompareWithEnds(TimeSpan now)
    {
        (Key, SortedSet<UInt128>)[] ends = [.. _ends.Select(end => (end.Key, end.Value))];
        _ends.Clear(); // whatever happens below, the next loss is to be seen to again
        foreach ((Key id, SortedSet<UInt128> services) in ends)
        {
            if (!context.Peers.TryGet(id, out Peer? peer))
            {
                continue;
            }

            IEnumerable<ServiceRing> lost = rings.All.Where(
                ring => services.Contains(ring.Id.Value) && AreBothIn(ring, peer));
            foreach (ServiceRing ring in Unlike(lost).Take(RingsAtOnceMax))
            {
                Compare(now, ring, peer);
            }
        }
    }

    private void Compare(TimeSpan now, ServiceRing ring, Peer peer)
    {
        // Whoever is no neighbour here may make up digests, or be one that is not known as such yet.
        UpkeepUrgency urgency =
            ring.Neighbours.Contains(peer.Id) ? UpkeepUrgency.Now : UpkeepUrgency.Soon;
        if (!context.Budget.TrySpend(now, ComparisonBytes, urgency))
        {
            return;
        }

        Comparison comparison = Of(peer);
        comparison.AskedUntil = now + AnswerTime;
        comparison.NotBefore = now + CompareAgainFirst;
        context.Send(peer, new NeighboursMessage(ring.Id, WantsReply: true, [], ring.Terms.Known));
    }

    private void Answer(TimeSpan now, ServiceRing ring, Peer peer, ImmutableArray<uint> known)
    {
        int perSide = context.Options.NeighboursPerSide;
        ImmutableArray<Contact> contacts = rings.Contacts(SetComparison.MissingThere(
            ring.Id, ring.Neighbours, peer.Id, known.AsSpan(), perSide));
        uint self = RingTerms.Short(RingTerms.Term(ring.Id, context.Id));
        Comparison comparison = Of(peer);
        bool asksBack = !known.IsEmpty && now >= comparison.AskedUntil // once, or two that differ never end
            && SetComparison.IsMissingHere(ring.Terms.Known.AsSpan(), self, known.AsSpan(), perSide);
        if (asksBack)
        {
            comparison.AskedUntil = now + AnswerTime;
        }

        if (asksBack || !contacts.IsEmpty || known.IsEmpty)
        {
            context.Send(peer, new NeighboursMessage(
                ring.Id, asksBack, peer.Link.Fitting(contacts), asksBack ? ring.Terms.Known : []));
        }
    }

    /// <summary>How this node and one peer stand to each other's digests.</summary>
    private sealed class Comparison
    {
        private (ulong Own, ulong Theirs) _last;
        private TimeSpan _pause;

        /// <summary>No comparison before that; is never set to an earlier time.</summary>
        public TimeSpan NotBefore { get; set => field = value > field ? value : field; }

        /// <summary>Whom it told of and who may connect themselves.</summary>
        public HashSet<Key> Awaited => field ??= [];

        /// <summary>Until then what the peer says of neighbours was asked for.</summary>
        public TimeSpan AskedUntil { get; set; }

        public TokenBucket Answers => field ??= new(AnswersPerSecond, AnswersAtOnceMax);

        /// <summary>They differ; if just as they did before, comparing has not helped.</summary>
        public void HandleDifference(TimeSpan now, ulong own, ulong theirs)
        {
            bool isSame = _last == (own, theirs);
            _last = (own, theirs);
            _pause = isSame ? _pause * 2 : CompareAgainFirst;
            _pause = _pause < CompareAgainMax ? _pause : CompareAgainMax;
            NotBefore = now + _pause;
        }
    }
}
