using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// Until when which of the keys that are settled are leased: each piece of them, of which all keys have the
/// same replicas, until the lease ends after which those that run are no majority.
/// </summary>
internal sealed class LeasedPieces(ReplicaContext context)
{
    private readonly List<Piece> _pieces = [];
    private TimeSpan _until;
    private bool _isStale;

    /// <summary>Keys about which this node gave its word to itself.</summary>
    public ArcSet Own { get; set; } = new();

    /// <summary>Until when.</summary>
    public TimeSpan OwnUntil { get; set; }

    /// <summary>Leases have changed.</summary>
    public void HandleChange() => _isStale = true;

    /// <summary>Forgets the pieces.</summary>
    public void Clear()
    {
        _pieces.Clear();
        _isStale = true;
    }

    /// <summary>Adds a piece.</summary>
    /// <param name="arc">The keys.</param>
    /// <param name="near">Their replicas, the nearest first.</param>
    public void Add(Arc arc, Key[] near) => _pieces.Add(new Piece(arc, near));

    /// <summary>
    /// Whether a key of a piece is leased, for records with any number of replicas from the fewest on.
    /// </summary>
    public bool IsLeased(Key key, List<PeerKnowledge> peers, int fewest)
    {
        if (_isStale)
        {
            _isStale = false;
            Count(peers, fewest);
        }

        TimeSpan now = context.Now.Monotonic;
        return now < _until || _pieces.Exists(piece => piece.Arc.Contains(key) && now < piece.Until);
    }

    private void Count(List<PeerKnowledge> peers, int fewest)
    {
        _until = _pieces.Count == 0 ? TimeSpan.Zero : TimeSpan.MaxValue;
        var leases = new List<TimeSpan>(Neighbourhood.Replicas);
        foreach (Piece piece in _pieces)
        {
            piece.Until = TimeSpan.MaxValue;
            leases.Clear();
            foreach (Key id in piece.Near)
            {
                TimeSpan lease = LeaseOf(id, piece.Arc.Start, peers);
                int shorter = leases.FindIndex(other => other < lease);
                leases.Insert(shorter < 0 ? leases.Count : shorter, lease);
                if (leases.Count >= fewest || leases.Count == piece.Near.Length)
                {
                    TimeSpan until = leases[context.Membership.Majority(leases.Count) - 1];
                    piece.Until = until < piece.Until ? until : piece.Until;
                }
            }

            _until = piece.Until < _until ? piece.Until : _until;
        }
    }

    private TimeSpan LeaseOf(Key id, Key key, List<PeerKnowledge> peers)
    {
        if (id == context.Membership.Self)
        {
            return Own.Contains(key) ? OwnUntil : TimeSpan.Zero;
        }

        PeerKnowledge? peer = peers.Find(p => p.Id == id);
        return peer?.Leased.Contains(key) == true ? peer.LeasedUntil : TimeSpan.Zero;
    }

    private sealed class Piece(Arc arc, Key[] near)
    {
        public Arc Arc { get; } = arc;

        public Key[] Near { get; } = near;

        public TimeSpan Until { get; set; }
    }
}
