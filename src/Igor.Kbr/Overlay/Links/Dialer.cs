using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// Connecting to addresses. Takes wishes from joining, neighbour maintenance and fingers; emits dials, a
/// bounded number at a time, never two to one address, and leaves an address alone for a growing while after
/// it failed. What peers told unasked waits apart from what this node looks for itself, so that made-up
/// contacts keep nobody from the ring; and whatever a peer told is dialled only where it may lead there, and
/// as often as its budget allows.
/// </summary>
internal sealed class Dialer(NodeContext context, OpenLinks links)
{
    /// <summary>More at once would make a restart of many nodes a storm.</summary>
    private const int ConcurrentMax = 16;

    /// <summary>What peers told takes no more of these, so that what is looked for has room.</summary>
    private const int ConcurrentToldMax = 12;

    /// <summary>Wishes beyond this are dropped; whoever wishes comes again with its period.</summary>
    private const int QueueMax = 256;

    private const int FailuresRememberedMax = 512;

    /// <summary>More would not be read.</summary>
    private const int AddressesToldMax = 3;

    private static readonly TimeSpan BackoffFirst = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan BackoffMax = TimeSpan.FromSeconds(25);

    /// <summary>Who looks for a ring is to find it within a second or two of its coming up.</summary>
    private static readonly TimeSpan BackoffSeekingMax = TimeSpan.FromMilliseconds(800);

    /// <summary>
    /// An address that leads to this node itself, again and again. Each attempt costs a connection, also one
    /// that reaches nobody tries no more often; a name may lead elsewhere the next time.
    /// </summary>
    private static readonly TimeSpan OwnBackoffMax = TimeSpan.FromMinutes(4);

    private readonly DialBudget _budget = new(context.Options.NeighboursPerSide);
    private readonly Dictionary<DialId, Wish> _underWay = [];
    private readonly OpenWishes _open = new();
    private readonly Queue<Wish> _queue = new();
    private readonly Queue<Wish> _told = new();
    private readonly Dictionary<string, Failure> _failures = [];
    private readonly Queue<string> _failureOrder = new();
    private int _concurrent; // under way, but for the given addresses, which take nobody's place
    private long _nextId;

    /// <param name="Addresses">Where to connect to, the best first.</param>
    /// <param name="Expected">The node that should be there; null where that is not known.</param>
    /// <param name="Purpose">What for.</param>
    /// <param name="Teller">The peer that told of it; null when the operator or the node itself did.</param>
    /// <param name="IsSeeking">
    /// Whether this node reaches nobody and has to find the others: it waits less after failures.
    /// </param>
    public readonly record struct Wish(
        ImmutableArray<string> Addresses,
        Key? Expected,
        LinkPurpose Purpose,
        Teller? Teller = null,
        bool IsSeeking = false)
    {
        /// <summary>
        /// Whether the operator gave the address. Those are few and the surest way into the ring: they do not
        /// wait behind members that are away, whose hosts may take the whole time to not answer.
        /// </summary>
        public bool IsGiven => Purpose == LinkPurpose.Entry && Expected is null && Teller is null;

        /// <summary>Where the node was found that the dial led to.</summary>
        public string Address => Addresses[0];
    }

    /// <summary>Attempts that were not made because of who told of the address, or how often.</summary>
    public long RefusedTold { get; private set; }

    public bool IsIdle => _open.IsEmpty;

    /// <summary>Whether a dial to that node is under way or waits, or it is being greeted.</summary>
    public bool IsConnecting(Key id) => _open.AreFor(id) || links.IsGreeting(id);

    /// <summary>The same for an address.</summary>
    public bool IsConnecting(string address) => _open.Contains(address)
        || links.Find(l => l.Peer is null && l.IsOutbound && l.RemoteAddress == address) is not null;

    /// <summary>Whether a node could not be reached lately anywhere where it is said to be.</summary>
    public bool HasFailed(TimeSpan now, Contact contact) =>
        !contact.Addresses.IsEmpty
        && contact.Addresses.All(a => _failures.GetValueOrDefault(a).IsResting(now, isSeeking: false));

    /// <summary>
    /// Connects to a node at those of its addresses that may be tried now; false when none may, and while it
    /// is tried already: that would lead to a second link.
    /// </summary>
    public bool TryDial(TimeSpan now, Contact contact, LinkPurpose purpose, Teller? teller) =>
        contact.Id != context.Id && !context.Peers.Contains(contact.Id) && !IsConnecting(contact.Id)
        && TryDial(now, new Wish(contact.Addresses, contact.Id, purpose, teller));

    public bool TryDial(TimeSpan now, Wish wish)
    {
        Queue<Wish> queue = wish.Teller is { WasAsked: false } ? _told : _queue;
        bool mayTell = wish.Teller is not { } teller || MayTell(now, teller);
        RefusedTold += mayTell ? 0 : wish.Addresses.Length;
        if (!mayTell || (queue.Count >= QueueMax && !wish.IsGiven))
        {
            return false;
        }

        wish = wish with
        {
            Addresses = [.. wish.Addresses.Distinct().Where(address => MayTry(now, wish, address))],
        };
        if (wish.Addresses.IsEmpty)
        {
            return false;
        }

        _open.Add(wish);
        if (wish.IsGiven)
        {
            Start(wish);
        }
        else
        {
            queue.Enqueue(wish);
            StartQueued(now);
        }

        return true;
    }

    /// <summary>Whether an address may be tried for a wish; its price is taken then.</summary>
    private bool MayTry(TimeSpan now, in Wish wish, string address)
    {
        bool isFree = address.Length > 0 && !_open.Contains(address)
            && !_failures.GetValueOrDefault(address).IsResting(now, wish.IsSeeking);
        if (!isFree || wish.Teller is not { } teller)
        {
            return isFree;
        }

        (AddressRange range, string host) = IpAddress.Classify(address);
        bool isTold = teller.MayTell(range, context.Options.DialPrivate)
            && _budget.TryTake(now, teller, host);
        RefusedTold += isTold ? 0 : 1;
        return isTold;
    }

    /// <summary>
    /// A dial led to a node; returns what it was for, and the one address where the node is. An address
    /// where another node than the expected one answers has failed: whoever still believes in the old one
    /// would dial it again and again. So have those that were begun before and did not answer.
    /// </summary>
    public Wish HandleOpened(TimeSpan now, DialId dial, Key peer, DialProgress progress = default)
    {
        Wish wish = Finish(dial);
        bool isWanted = wish.Expected is not { } expected || expected == peer;
        int winner = Math.Min(progress.Winner, wish.Addresses.Length - 1);
        for (int at = 0; at < wish.Addresses.Length; at++)
        {
            if (at < winner || (at == winner && !isWanted))
            {
                NoteFailure(now, wish.Addresses[at], at < winner ? "no answer" : "another node answers");
            }
            else if (at == winner || at > winner + progress.Later)
            {
                GiveBack(now, wish, wish.Addresses[at]);
            }
        }

        StartQueued(now);
        return wish with { Addresses = [wish.Addresses[winner]] };
    }

    /// <summary>
    /// The node at the address has become a peer. That it answers is not enough: it may refuse this one each
    /// time, and is then left alone for ever longer too.
    /// </summary>
    public void HandleUp(string address) => _failures.Remove(address);

    /// <summary>A dial failed; returns what it was for.</summary>
    public Wish HandleFailed(TimeSpan now, DialId dial, string cause)
    {
        Wish wish = Finish(dial);
        foreach (string address in wish.Addresses)
        {
            NoteFailure(now, address, cause);
        }

        StartQueued(now);
        return wish;
    }

    /// <summary>
    /// The address led nowhere, or to this node itself, which is tried ever more seldom: it is left alone for
    /// a while, the longer the more often in a row.
    /// </summary>
    public void NoteFailure(TimeSpan now, string address, string cause, bool isOwn = false)
    {
        int count = _failures.TryGetValue(address, out Failure before) ? before.Count + 1 : 1;
        if (count == 1)
        {
            _failureOrder.Enqueue(address);
            if (_failureOrder.Count > FailuresRememberedMax)
            {
                _failures.Remove(_failureOrder.Dequeue());
            }
        }

        TimeSpan pause = BackoffFirst * Math.Pow(2, Math.Min(count - 1, 10));
        TimeSpan most = isOwn ? OwnBackoffMax : BackoffMax;
        pause = context.Random.Jitter(pause < most ? pause : most);
        TimeSpan seeking = context.Random.Jitter(BackoffSeekingMax);
        _failures[address] = new Failure(
            count, now + pause, now + (isOwn || pause < seeking ? pause : seeking), cause);
    }

    /// <summary>Why these addresses led nowhere, in one line for people; the same causes together.</summary>
    public string WhyNowhere(IEnumerable<string> addresses) => string.Join("; ", addresses.Distinct()
        .GroupBy(address => _failures.GetValueOrDefault(address).Cause ?? "no answer")
        .Select(group => $"{group.Key} at {string.Join(", ", group.Take(AddressesToldMax))}"
            + (group.Count() > AddressesToldMax ? $" and {group.Count() - AddressesToldMax} more" : "")));

    /// <summary>
    /// Most of what a hostile peer tells is over its budget, and not even looked at. It has no more wishes
    /// open than neighbours, or one could fill the queue alone.
    /// </summary>
    private bool MayTell(TimeSpan now, in Teller teller) => _budget.HasOne(now, teller)
        && (teller.WasAsked || _open.CountOf(teller.Id) < 2 * context.Options.NeighboursPerSide);

    private void GiveBack(TimeSpan now, in Wish wish, string address)
    {
        if (wish.Teller is { } teller)
        {
            _budget.Return(now, teller, IpAddress.Classify(address).Host);
        }
    }

    private Wish Finish(DialId dial)
    {
        if (!_underWay.Remove(dial, out Wish wish))
        {
            return new Wish([string.Empty], null, LinkPurpose.Neighbour);
        }

        _concurrent -= wish.IsGiven ? 0 : 1;
        _open.Remove(wish);
        return wish;
    }

    private void StartQueued(TimeSpan now)
    {
        while ((_concurrent < ConcurrentMax && _queue.TryDequeue(out Wish wish))
            || (_concurrent < ConcurrentToldMax && _told.TryDequeue(out wish)))
        {
            if (wish.Expected is { } id && context.Peers.Contains(id))
            {
                _open.Remove(wish);
                foreach (string address in wish.Addresses)
                {
                    GiveBack(now, wish, address);
                }

                continue;
            }

            Start(wish);
        }
    }

    private void Start(in Wish wish)
    {
        var dial = new DialId(++_nextId);
        _underWay.Add(dial, wish);
        _concurrent += wish.IsGiven ? 0 : 1;
        context.Output.Dial(dial, wish.Expected, wish.Addresses);
    }

    private readonly record struct Failure(
        int Count, TimeSpan NotBefore, TimeSpan SeekingNotBefore, string? Cause)
    {
        public bool IsResting(TimeSpan now, bool isSeeking) =>
            now < (isSeeking ? SeekingNotBefore : NotBefore);
    }
}
