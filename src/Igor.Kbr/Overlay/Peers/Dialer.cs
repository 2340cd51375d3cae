namespace Igor.Kbr.Overlay.Peers;

/// <summary>
/// Connecting to addresses. Takes wishes from joining, neighbour maintenance and fingers; emits dials, a
/// bounded number at a time, never two to one address, and leaves an address alone for a growing while after
/// it failed.
/// </summary>
internal sealed class Dialer(NodeContext context)
{
    /// <summary>More at once would make a restart of many nodes a storm.</summary>
    private const int ConcurrentMax = 16;

    /// <summary>Wishes beyond this are dropped; whoever wishes comes again with its period.</summary>
    private const int QueueMax = 256;

    private const int FailuresRememberedMax = 512;
    private static readonly TimeSpan BackoffFirst = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan BackoffMax = TimeSpan.FromSeconds(30);

    private readonly Dictionary<DialId, Wish> _underWay = [];
    private readonly HashSet<string> _busy = [];
    private readonly Queue<Wish> _queue = new();
    private readonly Dictionary<string, (int Count, TimeSpan NotBefore)> _failures = [];
    private readonly Queue<string> _failureOrder = new();
    private readonly HashSet<string> _own = [];
    private long _nextId;

    public readonly record struct Wish(string Address, Key? Expected, bool IsEntry);

    /// <summary>Whether nothing is being dialled or waits to be.</summary>
    public bool IsIdle => _underWay.Count == 0 && _queue.Count == 0;

    /// <summary>Whether a dial to that node is under way or waits.</summary>
    public bool IsDialling(Key id)
    {
        foreach (Wish wish in _underWay.Values)
        {
            if (wish.Expected == id)
            {
                return true;
            }
        }

        foreach (Wish wish in _queue)
        {
            if (wish.Expected == id)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Connects to the first of a node's addresses that may be tried now; false when none may, and while
    /// one is tried already: it would lead to a second link.
    /// </summary>
    public bool TryDial(TimeSpan now, Wire.Contact contact)
    {
        if (contact.Id == context.Id || context.Peers.Contains(contact.Id) || IsDialling(contact.Id))
        {
            return false;
        }

        foreach (string address in contact.Addresses)
        {
            if (TryDial(now, new Wish(address, contact.Id, IsEntry: false)))
            {
                return true;
            }
        }

        return false;
    }

    public bool TryDial(TimeSpan now, Wish wish)
    {
        if (wish.Address.Length == 0 || _own.Contains(wish.Address) || _queue.Count >= QueueMax
            || (_failures.TryGetValue(wish.Address, out var failure) && failure.NotBefore > now)
            || !_busy.Add(wish.Address))
        {
            return false;
        }

        _queue.Enqueue(wish);
        StartQueued();
        return true;
    }

    /// <summary>
    /// A dial led to a node; returns what it was for. An address where another node than the expected one
    /// answers has failed: whoever still believes in the old one would dial it again and again.
    /// </summary>
    public Wish HandleOpened(TimeSpan now, DialId dial, Key peer)
    {
        Wish wish = Finish(dial);
        if (wish.Expected is { } expected && expected != peer)
        {
            NoteFailure(now, wish.Address);
        }
        else
        {
            _failures.Remove(wish.Address);
        }

        StartQueued();
        return wish;
    }

    /// <summary>A dial failed; returns what it was for.</summary>
    public Wish HandleFailed(TimeSpan now, DialId dial)
    {
        Wish wish = Finish(dial);
        NoteFailure(now, wish.Address);
        StartQueued();
        return wish;
    }

    /// <summary>The address turned out to be this node's own: it is never dialled again.</summary>
    public void NoteOwn(string address)
    {
        if (_own.Count < FailuresRememberedMax)
        {
            _own.Add(address);
        }
    }

    /// <summary>Leaves the address alone for a while.</summary>
    public void NoteFailure(TimeSpan now, string address)
    {
        if (address.Length == 0)
        {
            return;
        }

        int count = _failures.TryGetValue(address, out var before) ? before.Count + 1 : 1;
        TimeSpan backoff = BackoffFirst * Math.Pow(2, Math.Min(count - 1, 10));
        TimeSpan pause = context.Random.Jitter(backoff < BackoffMax ? backoff : BackoffMax);
        _failures[address] = (count, now + pause);
        if (count == 1)
        {
            _failureOrder.Enqueue(address);
            if (_failureOrder.Count > FailuresRememberedMax)
            {
                _failures.Remove(_failureOrder.Dequeue());
            }
        }
    }

    private Wish Finish(DialId dial)
    {
        if (!_underWay.Remove(dial, out Wish wish))
        {
            return new Wish(string.Empty, null, IsEntry: false);
        }

        _busy.Remove(wish.Address);
        return wish;
    }

    private void StartQueued()
    {
        while (_underWay.Count < ConcurrentMax && _queue.TryDequeue(out Wish wish))
        {
            if (wish.Expected is { } id && context.Peers.Contains(id))
            {
                _busy.Remove(wish.Address);
                continue;
            }

            var dial = new DialId(++_nextId);
            _underWay.Add(dial, wish);
            context.Output.Dial(dial, wish.Address);
        }
    }
}
