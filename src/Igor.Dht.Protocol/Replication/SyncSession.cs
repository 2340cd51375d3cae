using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>A range to be compared, and what may follow from a difference.</summary>
/// <param name="Arc">The keys.</param>
/// <param name="Replicas">Only records that ask for so many replicas; 0 for all.</param>
/// <param name="Pushes">Whether the peer is given what it lacks.</param>
/// <param name="Pulls">Whether this node takes what it lacks.</param>
internal readonly record struct SyncRange(Arc Arc, int Replicas, bool Pushes, bool Pulls);

/// <summary>Is told how a synchronisation went.</summary>
internal interface ISyncOwner
{
    /// <summary>The synchronisation is over; it went well when all that had to be moved is durable.</summary>
    void HandleSyncEnd(SyncSession session, bool isGood);
}

/// <summary>
/// Brings this node and a peer to hold the same in some ranges (anti-entropy). Ranges are compared by
/// fingerprint and, where they differ, cut into sixteen, down to a list of a few records: a Merkle tree over
/// the key space that neither side has to store. What then turns out to be missing is pushed and fetched in
/// batches. Few requests are outstanding at a time, and no range is opened while much waits to be moved.
/// </summary>
internal sealed class SyncSession : IReplyHandler
{
    /// <summary>Time that a comparison may take.</summary>
    private static readonly TimeSpan CompareTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Time within which something has to be moved. It is enough to compare a million records, and a peer
    /// that tells of ever new differences does not keep the place of another for ever.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Comparisons outstanding at a time.</summary>
    private const int ComparingMax = 4;

    /// <summary>A range with more records of ours is cut before its records are matched one by one.</summary>
    private const int MatchedMax = 2048;

    private readonly ReplicaContext _context;
    private readonly ISyncOwner _owner;
    private readonly Stack<SyncRange> _ranges;
    private readonly Dictionary<int, SyncRange> _comparing = [];
    private readonly PushQueue _pushes;
    private readonly FetchQueue _fetches;
    private int _lastTag;
    private int _moved;
    private TimeSpan _movedAt;
    private bool _hasEnded;
    private bool _hasChanged;

    /// <summary>Makes a session; <see cref="Start"/> starts it.</summary>
    public SyncSession(ReplicaContext context, ISyncOwner owner, Key peer, IEnumerable<SyncRange> ranges)
    {
        _context = context;
        _owner = owner;
        Peer = peer;
        _ranges = new Stack<SyncRange>(ranges.Reverse());
        _pushes = new PushQueue(context, this);
        _fetches = new FetchQueue(context, this);
        _movedAt = context.Now.Monotonic;
    }

    /// <summary>The peer.</summary>
    public Key Peer { get; }

    /// <summary>
    /// The numbers of replicas that occur among the peer's records, as bits, once it has answered.
    /// </summary>
    public int PeerClasses { get; private set; }

    /// <summary>
    /// Whether all that was to be taken from the peer is here, even if the peer did not take what it lacks.
    /// </summary>
    public bool IsHeard { get; private set; }

    /// <summary>
    /// The peer's term all the while; 0 when it changed, so that nothing that was heard counts.
    /// </summary>
    public ulong Term { get; private set; }

    /// <summary>Keys about which the peer gives its word to another root.</summary>
    public ArcSet Apart { get; } = new();

    /// <summary>Number of records that the peer was given.</summary>
    public int Pushed => _pushes.Moved;

    /// <summary>Number of records that were taken from the peer.</summary>
    public int Fetched => _fetches.Moved;

    /// <summary>Begins.</summary>
    public void Start() => Pump();

    /// <summary>Ends without telling the owner.</summary>
    public void Abandon() => _hasEnded = true;

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        if (_hasEnded || !_comparing.Remove(tag, out SyncRange range))
        {
            return;
        }

        if (reply.Status == KbrStatus.Ok && HandleAnswer(range, reply.Payload))
        {
            Pump();
        }
        else
        {
            End(false);
        }
    }

    /// <summary>A batch was moved: goes on.</summary>
    internal void HandleMoved()
    {
        if (!_hasEnded)
        {
            Pump();
        }
    }

    /// <summary>A batch could not be moved: the session has failed.</summary>
    internal void HandleFailure()
    {
        if (!_hasEnded)
        {
            End(false);
        }
    }

    /// <summary>The peer turned out to have a newer version of what was to be pushed.</summary>
    internal void HandleNewerThere(Key key) =>
        _fetches.Add(new KeyVersion(key, _context.Ranks.Held(key)));

    private void Pump()
    {
        if (_moved != Pushed + Fetched)
        {
            _moved = Pushed + Fetched;
            _movedAt = _context.Now.Monotonic;
        }
        else if (_context.Now.Monotonic - _movedAt > Patience)
        {
            End(false);
            return;
        }

        _fetches.Pump();
        _pushes.Pump();
        while (!_hasEnded && _ranges.Count > 0 && _comparing.Count < ComparingMax
            && !_fetches.IsFull && !_pushes.IsFull)
        {
            Compare(_ranges.Pop());
        }

        if (!_hasEnded && _ranges.Count == 0 && _comparing.Count == 0 && _fetches.IsIdle && _pushes.IsIdle)
        {
            IsHeard = true;
            End(!_pushes.IsIncomplete);
        }
    }

    private void End(bool isGood)
    {
        _hasEnded = true;
        _owner.HandleSyncEnd(this, isGood);
    }

    private void Compare(SyncRange range)
    {
        int tag = ++_lastTag;
        _comparing.Add(tag, range);
        new SyncMessage(range.Replicas, range.Arc, OwnFingerprint(range), IsAsRoot: range.Pulls)
            .Write(_context.Buffer);
        _context.Request(this, tag, Peer, exact: true, CompareTimeout);
    }

    private Fingerprint OwnFingerprint(SyncRange range) =>
        _context.Index.FingerprintOf(range.Arc, range.Replicas, _context.Now.UnixMs);

    private bool HandleAnswer(SyncRange range, ReadOnlyMemory<byte> payload)
    {
        if (Decoding.TryRead(
            payload, MessageKind.SyncEqual, SyncMessages.ReadEqual, out SyncStanding standing))
        {
            Note(range, standing);
        }
        else if (Decoding.TryRead(
            payload,
            MessageKind.SyncChildren,
            SyncMessages.ReadChildren,
            out (SyncStanding Standing, Fingerprint[] Children) parts))
        {
            Note(range, parts.Standing);
            Descend(range, parts.Children);
        }
        else if (Decoding.TryRead(
            payload,
            MessageKind.SyncItems,
            SyncMessages.ReadItems,
            out (SyncStanding Standing, HeldVersion[] Items) list))
        {
            Note(range, list.Standing);
            Match(range, list.Items);
        }
        else
        {
            return false;
        }

        return true;
    }

    private void Note(SyncRange range, SyncStanding standing)
    {
        PeerClasses |= standing.Classes;
        if (standing.Term == 0)
        {
            Apart.Add(range.Arc);
        }
        else
        {
            _hasChanged |= Term != 0 && Term != standing.Term;
            Term = _hasChanged ? 0 : standing.Term;
        }
    }

    private void Descend(SyncRange range, Fingerprint[] children)
    {
        for (int at = 0; at < children.Length; at++)
        {
            if (SyncMessage.Part(range.Arc, at) is not { } arc)
            {
                return;
            }

            SyncRange part = range with { Arc = arc };
            Fingerprint own = OwnFingerprint(part);
            if (own == children[at] || (children[at].Count == 0 && !range.Pushes))
            {
                continue;
            }

            if (children[at].Count == 0)
            {
                _pushes.Add(part);
            }
            else if (range.Pulls || own.Count > 0)
            {
                _ranges.Push(part);
            }
        }
    }

    private void Match(SyncRange range, HeldVersion[] theirs)
    {
        if (OwnFingerprint(range).Count > MatchedMax && SyncMessage.Part(range.Arc, 0) is not null)
        {
            for (int at = 0; at < SyncMessage.Fanout; at++)
            {
                _ranges.Push(range with { Arc = SyncMessage.Part(range.Arc, at)!.Value });
            }

            return;
        }

        var there = new Dictionary<Key, RecordVersion>(theirs.Length);
        foreach (HeldVersion item in theirs)
        {
            if (range.Arc.Contains(item.Key))
            {
                there[item.Key] = item.Version;
                Compare(range, item);
            }
        }

        if (range.Pushes)
        {
            PushOthers(range, there);
        }
    }

    private void Compare(SyncRange range, HeldVersion theirs)
    {
        RecordVersion own = _context.Ranks.Held(theirs.Key);
        RecordVersion other = _context.Ranks.Of(theirs.Version);
        int order = own.CompareTo(other);
        if (order == 0 && _context.Index.TryGet(theirs.Key, out Holding holding)
            && holding.Version == theirs.Version && holding.Digest != theirs.Digest)
        {
            // The same version with other bytes: the larger digest remains.
            order = holding.Digest.CompareTo(theirs.Digest);
            own = RecordVersion.None;
        }

        if (order < 0 && range.Pulls)
        {
            _fetches.Add(new KeyVersion(theirs.Key, own));
        }
        else if (order > 0 && range.Pushes)
        {
            _pushes.Add(theirs.Key);
        }
    }

    private void PushOthers(SyncRange range, Dictionary<Key, RecordVersion> there)
    {
        var own = new List<Holding>();
        foreach (KeySpan span in KeySpan.Of(range.Arc))
        {
            _context.Index.List(span, range.Replicas, _context.Now.UnixMs, int.MaxValue, own);
        }

        foreach (Holding holding in own)
        {
            if (!there.ContainsKey(holding.Key))
            {
                _pushes.Add(holding.Key);
            }
        }
    }
}
