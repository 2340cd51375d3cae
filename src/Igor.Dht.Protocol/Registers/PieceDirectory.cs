using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// What the neighbours keep: each tells those near it, when it changes and every now and then. So a node
/// knows who votes about keys that it is the root of, which store each neighbour has, and who coordinates.
/// </summary>
internal sealed class PieceDirectory : IReplyHandler
{
    /// <summary>
    /// Neighbours on each side that are told: voters are two from the root, and as many may have come
    /// between.
    /// </summary>
    private const int SideMax = 5;

    /// <summary>Members that were neighbours, of which it is remembered since when they are not.</summary>
    private const int GoneMax = 256;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly ReplicaContext _context;
    private readonly VoterServer _server;
    private readonly Action<Action> _later;
    private readonly TimeSpan _startedAt;
    private readonly SortedDictionary<Key, Neighbour> _neighbours = [];
    private readonly Dictionary<Key, (TimeSpan At, bool HasFailed)> _gone = [];
    private readonly Dictionary<int, (Key To, ulong Revision)> _open = [];
    private readonly HashSet<Key> _givenUp = [];
    private IReadOnlyList<ToldPiece> _own = [];
    private Ballot _ownFloor;
    private ulong _revision = 1;
    private int _lastTag;

    public PieceDirectory(ReplicaContext context, VoterServer server, Action<Action> later)
    {
        _context = context;
        _server = server;
        _later = later;
        _startedAt = context.Now.Monotonic;
    }

    /// <summary>Called when a neighbour told something new.</summary>
    public required Action Changed { get; init; }

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline { get; private set; }

    /// <summary>The neighbours that said which store they have.</summary>
    public IEnumerable<Voter> Voters => _neighbours.Values.Where(n => n.HasTold).Select(n => n.Voter);

    /// <summary>Whether all neighbours that tell this node have done so.</summary>
    public bool HaveAllTold => Near().All(id => _neighbours[id].HasTold);

    /// <summary>Whether any neighbour keeps a piece of any key.</summary>
    public bool HasAny => _neighbours.Values.Any(neighbour => neighbour.Pieces.Count > 0);

    /// <summary>Whether a voter is a neighbour, with just this store.</summary>
    public bool IsThere(Voter voter) => voter == _server.Self
        || (_neighbours.TryGetValue(voter.Node, out Neighbour? neighbour) && neighbour.HasTold
            && neighbour.Voter == voter);

    /// <summary>Whether a node is a neighbour that came lately, and has not told what it keeps.</summary>
    public bool IsAwaited(Key node) => _neighbours.TryGetValue(node, out Neighbour? neighbour)
        && !neighbour.HasTold && _context.Now.Monotonic < neighbour.Since + Patience;

    /// <summary>
    /// Whether a neighbour came lately that has not told what it keeps: it may know that what is kept here
    /// has ended.
    /// </summary>
    public bool IsAwaitingAny => Near().Any(IsAwaited);

    /// <summary>Whether a voter is dead for good, because somebody said so.</summary>
    public bool IsGivenUp(Voter voter) => _givenUp.Contains(voter.Node);

    /// <summary>Somebody says that a node, which is not there, is dead for good.</summary>
    public void GiveUp(Key node)
    {
        if (_givenUp.Count < GoneMax && !_neighbours.ContainsKey(node))
        {
            _givenUp.Add(node);
            Changed();
        }
    }

    /// <summary>
    /// Of how many cells a node is a voter, as far as is known here, and of how many of these most voters are
    /// not there.
    /// </summary>
    public (int Cells, int InDoubt) Survey(Key node)
    {
        int cells = 0;
        int inDoubt = 0;
        for (int cell = 0; cell < RegisterCells.Count; cell++)
        {
            View? view = All(cell).Select(other => other.Told.Vote.Piece.View)
                .Append(_server.Acceptor.Find(RegisterCells.AnchorOf(cell))?.View)
                .MaxBy(known => known?.Epoch ?? 0);
            if (view?.Voters.Any(voter => voter.Node == node) == true)
            {
                cells++;
                bool isHeard = view.HasMajority(
                    voter => voter == _server.Self || _neighbours.ContainsKey(voter.Node));
                inDoubt += isHeard ? 0 : 1;
            }
        }

        return (cells, inDoubt);
    }

    /// <summary>How long a voter has been there, with this store; null when it is not.</summary>
    public TimeSpan? AgeOf(Voter voter) => IsThere(voter) && voter != _server.Self
        ? _context.Now.Monotonic - _neighbours[voter.Node].Since
        : null;

    /// <summary>
    /// How long a voter has not been there, and whether it was found dead, or said that it leaves.
    /// </summary>
    public (TimeSpan Span, bool HasFailed) AbsenceOf(Voter voter)
    {
        TimeSpan now = _context.Now.Monotonic;
        if (_neighbours.TryGetValue(voter.Node, out Neighbour? neighbour))
        {
            return (now - neighbour.Since, true); // it is there with another store
        }

        return _gone.TryGetValue(voter.Node, out (TimeSpan At, bool HasFailed) gone)
            ? (now - gone.At, gone.HasFailed)
            : (now - _startedAt, true);
    }

    /// <summary>The highest ballot that a neighbour forgot with a piece, as far as it told.</summary>
    public Ballot FloorOf(Key node) =>
        _neighbours.TryGetValue(node, out Neighbour? neighbour) ? neighbour.Floor : Ballot.None;

    /// <summary>What a neighbour told of a cell.</summary>
    public ToldPiece? Find(Key node, int cell) =>
        _neighbours.TryGetValue(node, out Neighbour? neighbour) ? neighbour.Find(cell) : null;

    /// <summary>What all neighbours told of a cell, with who they are.</summary>
    public IEnumerable<(Key Node, ToldPiece Told)> All(int cell)
    {
        foreach ((Key node, Neighbour neighbour) in _neighbours)
        {
            if (neighbour.Find(cell) is { } told)
            {
                yield return (node, told);
            }
        }
    }

    /// <summary>Who is a neighbour has changed.</summary>
    public void HandleUpdate()
    {
        TimeSpan now = _context.Now.Monotonic;
        Key[] alive = [.. _context.Membership.Neighbours.Others];
        foreach (Key lost in _neighbours.Keys.Except(alive).ToList())
        {
            _neighbours.Remove(lost);
            if (_gone.Count >= GoneMax)
            {
                _gone.Remove(_gone.MinBy(gone => gone.Value.At).Key);
            }

            _gone[lost] = (now, _context.Membership.MissingMembers.Contains(lost));
        }

        _givenUp.ExceptWith(alive);
        foreach (Key id in alive)
        {
            _neighbours.TryAdd(id, new Neighbour { Since = now });
        }

        Plan();
    }

    /// <summary>What this node keeps may have changed.</summary>
    public void HandleOwn(IReadOnlyList<ToldPiece> own)
    {
        if (_server.Acceptor.Floor != _ownFloor || !own.SequenceEqual(_own))
        {
            _own = own;
            _ownFloor = _server.Acceptor.Floor;
            _revision++;
            Plan();
        }
    }

    /// <summary>A neighbour tells.</summary>
    public void HandleTell(in KbrDelivery delivery, in TellPieces tell)
    {
        if (tell.From.Node != delivery.Source
            || !_neighbours.TryGetValue(delivery.Source, out Neighbour? neighbour))
        {
            _context.RefuseStranger(delivery.Token);
            return;
        }

        if (neighbour.Voter != tell.From || !neighbour.HasTold)
        {
            neighbour.Since = _context.Now.Monotonic;
            neighbour.Voter = tell.From;
            neighbour.Revision = 0;
        }

        if (tell.Pieces is { } pieces)
        {
            neighbour.Floor = tell.Floor;
            neighbour.Revision = tell.Revision;
            neighbour.HasTold = true;
            neighbour.HasToldAll = true;
            neighbour.Take(pieces);
            Learn(pieces);
            Changed();
            Plan();
        }

        PieceMessages.Write(
            _context.Buffer, new PiecesTold(_server.Self, neighbour.Revision == tell.Revision));
        _context.Reply(delivery.Token);
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        if (!_open.Remove(tag, out (Key To, ulong Revision) open)
            || !_neighbours.TryGetValue(open.To, out Neighbour? neighbour))
        {
            return;
        }

        neighbour.IsAsking = false;
        bool isTold = reply.Status == KbrStatus.Ok && Decoding.TryRead(
            reply.Payload, MessageKind.PiecesTold, PieceMessages.ReadPiecesTold, out PiecesTold told)
            && told.IsKnown;
        neighbour.Knows = isTold ? open.Revision : 0;
        neighbour.NextTell = _context.Now.Monotonic
            + (!isTold ? RetryAfter : neighbour.Knows == _revision ? Period : Pause);
        Plan();
    }

    /// <summary>Tells those whose turn it is.</summary>
    public void HandleDeadline()
    {
        if (NextDeadline > _context.Now.Monotonic)
        {
            return;
        }

        foreach (Key id in Near())
        {
            Neighbour neighbour = _neighbours[id];
            if (DueOf(neighbour) <= _context.Now.Monotonic)
            {
                Tell(id, neighbour);
            }
        }

        Plan();
    }

    // Views that neighbours know to be decided are decided, whoever says so.
    private void Learn(IReadOnlyList<ToldPiece> pieces)
    {
        foreach (ToldPiece told in pieces)
        {
            View view = told.Vote.Piece.View;
            bool isNews = _server.Acceptor.Within(told.Vote.Span)
                .Any(own => own.Piece.View.IsSupersededBy(view));
            if (isNews)
            {
                var decide = new Decide(told.Vote.Span, told.Vote.Piece.Promised, view);
                _later(() => _server.Handle(decide, static _ => { }));
            }
        }
    }

    private IEnumerable<Key> Near()
    {
        NeighbourSet set = _context.Membership.Neighbours;
        return set.Clockwise.Take(SideMax).Concat(set.CounterClockwise.Take(SideMax)).Distinct()
            .Where(_neighbours.ContainsKey);
    }

    private void Tell(Key to, Neighbour neighbour)
    {
        neighbour.IsAsking = true;
        neighbour.HasToldAll = false;
        neighbour.ToldAt = _context.Now.Monotonic;
        _open.Add(++_lastTag, (to, _revision));
        PieceMessages.Write(_context.Buffer, new TellPieces(
            _server.Self, _revision, _ownFloor, neighbour.Knows == _revision ? null : _own));
        _context.Request(this, _lastTag, to, exact: true, Patience);
    }

    // Whoever told all may have lost sight of this node for a moment, and with it what this one had told.
    private TimeSpan? DueOf(Neighbour neighbour)
    {
        bool isPressing = neighbour.HasToldAll || (neighbour.Knows != _revision && neighbour.Knows > 0);
        TimeSpan soon = neighbour.ToldAt + Pause;
        return neighbour.IsAsking ? null
            : isPressing && soon < neighbour.NextTell ? soon
            : neighbour.NextTell;
    }

    private void Plan()
    {
        NextDeadline = null;
        foreach (Key id in _context.Membership.IsMember ? Near() : [])
        {
            NextDeadline = DhtTime.Earliest(NextDeadline, DueOf(_neighbours[id]));
        }
    }

    private sealed class Neighbour
    {
        private ToldPiece?[]? _cells;

        public Voter Voter { get; set; }

        public TimeSpan Since { get; set; }

        public bool HasTold { get; set; }

        /// <summary>Whether it told all that it keeps since this node told it something.</summary>
        public bool HasToldAll { get; set; }

        public ulong Revision { get; set; }

        public Ballot Floor { get; set; }

        public IReadOnlyList<ToldPiece> Pieces { get; private set; } = [];

        /// <summary>The revision of this node that it knows; 0 for none.</summary>
        public ulong Knows { get; set; }

        public bool IsAsking { get; set; }

        public TimeSpan ToldAt { get; set; }

        public TimeSpan NextTell { get; set; }

        public ToldPiece? Find(int cell) => _cells?[cell];

        public void Take(IReadOnlyList<ToldPiece> pieces)
        {
            Pieces = pieces;
            _cells = pieces.Count == 0 ? null : new ToldPiece?[RegisterCells.Count];
            foreach (ToldPiece told in pieces)
            {
                foreach (int cell in RegisterCells.Of(told.Vote.Span))
                {
                    _cells![cell] = told;
                }
            }
        }
    }
}
