using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// One comparison of all that this node holds with what those hold who are to hold it when this node has
/// gone: they are given what they lack. Records that are others' already are handed off to these.
/// </summary>
internal sealed class DrainPass : ISyncOwner
{
    /// <summary>Holdings looked at in one step: some milliseconds.</summary>
    private const int StepCount = 8192;

    private readonly ReplicaContext _context;
    private readonly Action _changed;
    private readonly Queue<(Key Peer, List<SyncRange> Ranges)> _waiting = new();
    private readonly List<SyncSession> _running = [];
    private readonly List<Holding> _step = new(StepCount);
    private readonly ArcSet[] _held;
    private Handoff? _handoff;
    private Key? _cursor = Key.Zero;

    /// <summary>Makes a pass; <see cref="Start"/> starts it.</summary>
    public DrainPass(ReplicaContext context, Action changed)
    {
        _context = context;
        _changed = changed;
        Membership membership = context.Membership;
        _held = [.. Enumerable.Range(0, RecordCodec.ReplicasMax + 1)
            .Select(replicas => membership.Held(membership.Self, replicas))];
        foreach (Key peer in membership.Remaining.Members)
        {
            List<SyncRange> ranges = RangesOf(peer);
            if (ranges.Count > 0)
            {
                _waiting.Enqueue((peer, ranges));
            }
        }

        Peers = _waiting.Count;
    }

    /// <summary>Number of members that are to have what this node holds.</summary>
    public int Peers { get; }

    /// <summary>Number of those that were found to have it, or did not take it.</summary>
    public int PeersDone { get; private set; }

    /// <summary>Number of copies that were given.</summary>
    public long Given { get; private set; }

    /// <summary>One that did not take all that it lacks; null for none.</summary>
    public Key? Refusing { get; private set; }

    /// <summary>Whether a record that is others' could not be given to them.</summary>
    public bool HasLeftOver { get; private set; }

    /// <summary>Whether it has ended.</summary>
    public bool IsOver => _waiting.Count == 0 && _running.Count == 0 && (_cursor is null || HasLeftOver);

    /// <summary>
    /// Whether all that this node held when it began is with all who are to hold it, durably.
    /// </summary>
    public bool IsGood => IsOver && Refusing is null && !HasLeftOver;

    /// <summary>Whether <see cref="Step"/> has something to do.</summary>
    public bool WantsStep => _cursor is not null && !HasLeftOver;

    /// <summary>Begins.</summary>
    public void Start() => Pump();

    /// <summary>Ends without a further effect.</summary>
    public void Abandon()
    {
        _handoff?.Abandon();
        _running.ForEach(session => session.Abandon());
    }

    /// <summary>Looks for records that are others', and gives them to these.</summary>
    public void Step()
    {
        if (!WantsStep || _handoff is { IsOver: false })
        {
            return;
        }

        _step.Clear();
        bool isEnd = _context.Index.List(
            new KeySpan(_cursor!.Value, Key.Max), 0, _context.Now.UnixMs, StepCount, _step);
        int at = _step.FindIndex(holding => !IsOurs(holding));
        if (at >= 0)
        {
            HasLeftOver = _handoff is not null && _cursor == _step[at].Key;
            _cursor = _step[at].Key;
            _handoff = HasLeftOver ? null : new Handoff(_context, _cursor.Value, IsOurs);
            _handoff?.Start();
        }
        else
        {
            _cursor = isEnd ? null : _step[^1].Key + KeySpan.One;
        }
    }

    /// <inheritdoc/>
    public void HandleSyncEnd(SyncSession session, bool isGood)
    {
        _running.Remove(session);
        PeersDone++;
        Given += session.Pushed;
        Refusing = isGood ? Refusing : session.Peer;
        Pump();
        _changed();
    }

    private void Pump()
    {
        while (_running.Count < _context.Options.SyncSessionsMax
            && _waiting.TryDequeue(out (Key Peer, List<SyncRange> Ranges) next))
        {
            var session = new SyncSession(_context, this, next.Peer, next.Ranges);
            _running.Add(session);
            session.Start();
        }
    }

    private bool IsOurs(Holding holding) => _held[holding.Replicas].Contains(holding.Key);

    private List<SyncRange> RangesOf(Key peer)
    {
        var ranges = new List<SyncRange>();
        for (int replicas = 1; replicas <= RecordCodec.ReplicasMax; replicas++)
        {
            if (_context.Index.CountOf(replicas) > 0
                && _context.Membership.Remaining.Range(peer, replicas) is { } range)
            {
                ArcSet arcs = _held[replicas].Copy();
                arcs.Keep(range);
                ranges.AddRange(arcs.Arcs()
                    .Select(arc => new SyncRange(arc, replicas, Pushes: true, Pulls: false)));
            }
        }

        return ranges;
    }
}
