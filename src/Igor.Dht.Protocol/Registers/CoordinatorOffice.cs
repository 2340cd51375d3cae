using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// What this node coordinates, and when it begins to: the ring proposes who coordinates which cells and who
/// votes, majorities of voters decide. The nearest voter that is there takes over what nobody coordinates;
/// others do so a while later, should it not.
/// </summary>
internal sealed class CoordinatorOffice
{
    private const int AttemptsMax = 16;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PeriodUnled = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LookPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ToldPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// How long a piece is kept that this node has no part in: longer than any change takes.
    /// </summary>
    private static readonly TimeSpan DropAfter = TimeSpan.FromSeconds(60);

    private readonly ReplicaContext _context;
    private readonly VoterServer _server;
    private readonly VoterCalls _calls;
    private readonly PieceDirectory _directory;
    private readonly VoterChoice _choice;
    private readonly List<ReignHost> _reigns = [];
    private readonly List<TakeoverAttempt> _attempts = [];
    private readonly UnledCells _unled;
    private readonly TimeSpan _firstLook;
    private Dictionary<Piece, TimeSpan> _unusedSince = [];
    private Ballot _highest;
    private TimeSpan _quietUntil;
    private TimeSpan _nextTick;
    private TimeSpan _nextLook;
    private TimeSpan _lastLook = TimeSpan.MinValue / 2;
    private bool _isChanged;

    public CoordinatorOffice(
        ReplicaContext context, VoterServer server, VoterCalls calls, PieceDirectory directory)
    {
        _context = context;
        _server = server;
        _calls = calls;
        _directory = directory;
        _choice = new VoterChoice(context, directory, server.Self);
        _unled = new UnledCells(context, directory, server.Self);
        _firstLook = context.Now.Monotonic + FirstLook;
        _nextLook = _firstLook;
    }

    /// <summary>Does something when the input is handled.</summary>
    public required Action<Action> Later { get; init; }

    /// <summary>Answers a call.</summary>
    public required Action<WaitingCall, RegisterAnswer, Reign> Answer { get; init; }

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline =>
        _attempts.Count > 0 || _reigns.Exists(reign => !reign.Reign.IsQuiet)
            ? (_isChanged && _nextLook < _nextTick ? _nextLook : _nextTick)
        : _isChanged || KeepsAny ? _nextLook
        : null;

    /// <summary>Number of coordinators that serve.</summary>
    public int Serving => _reigns.Count(reign => reign.IsServing);

    /// <summary>Number of cells that this node votes about or coordinates.</summary>
    public int Cells => _server.Acceptor.Within(RegisterCells.Whole)
        .Where(vote => vote.Piece.View.Contains(_server.Self)
            || vote.Piece.Next?.View.Contains(_server.Self) == true
            || _reigns.Exists(reign => Overlap(reign.Reign.Span, vote.Span)))
        .Sum(vote => RegisterCells.Of(vote.Span).Count());

    private bool KeepsAny => _server.Acceptor.Within(RegisterCells.Whole).Any();

    /// <summary>Who coordinates a key here; null when nobody does.</summary>
    public ReignHost? Find(Key key) => _reigns.Find(reign => reign.IsServing
        && key >= reign.Reign.Span.First && key <= reign.Reign.Span.Last);

    /// <summary>Something changed by which it is to be decided anew what to do.</summary>
    public void HandleChanged() => _isChanged = true;

    /// <summary>
    /// A neighbour told something: as many do at once, it is decided anew a moment later.
    /// </summary>
    public void HandleTold()
    {
        TimeSpan soon = _context.Now.Monotonic + ToldPause;
        _nextLook = _nextLook < soon ? _nextLook : soon;
    }

    /// <summary>Founds a lineage of the whole ring, with this node alone.</summary>
    public void Found()
    {
        var lineage = new Lineage(_context.Random.NextUInt64(), _context.Random.NextUInt64());
        _server.Acceptor.Found(RegisterCells.Whole, lineage);
        _isChanged = true;
    }

    /// <summary>A voter answered.</summary>
    public void Handle(VoterReply reply)
    {
        foreach (TakeoverAttempt attempt in _attempts)
        {
            attempt.Takeover.Handle(reply);
        }

        foreach (ReignHost reign in _reigns.ToArray())
        {
            reign.Handle(reply);
        }

        Conclude();
    }

    /// <summary>The deadline may have passed.</summary>
    public void HandleDeadline()
    {
        TimeSpan now = _context.Now.Monotonic;
        if (now >= _nextTick)
        {
            _nextTick = now + Tick;
            foreach (ReignHost reign in _reigns.ToArray())
            {
                reign.HandleDeadline();
            }

            _attempts.ForEach(attempt => attempt.Takeover.Retry());
            Conclude();
        }

        _isChanged |= now >= _nextLook;
    }

    /// <summary>Does what follows from what has changed; called when an input is handled.</summary>
    public void Settle()
    {
        TimeSpan now = _context.Now.Monotonic;
        if (!_isChanged)
        {
            return;
        }

        if (now < _lastLook + LookPause && !_server.HasFailed)
        {
            _nextLook = _lastLook + LookPause;
            return; // changes come in swarms: one look for all of them
        }

        _isChanged = false;
        _lastLook = now;
        _nextLook = now + Period;
        _reigns.RemoveAll(reign => reign.IsOver);
        if (_server.HasFailed)
        {
            EndAll();
        }
        else if (_context.Membership.IsMember && KeepsAny && now >= _firstLook)
        {
            Look();
            _nextLook = now + (_unled.HasAny ? PeriodUnled : Period);
        }

        _directory.HandleOwn(Own());
    }

    /// <summary>Hands over all that is coordinated here: the node leaves.</summary>
    public void EndAll()
    {
        _attempts.Clear();
        foreach (ReignHost reign in _reigns)
        {
            reign.Resign();
        }

        _reigns.Clear();
        _directory.HandleOwn(Own());
    }

    /// <summary>What is kept here, as neighbours are told.</summary>
    private List<ToldPiece> Own() =>
    [
        .. _server.Acceptor.Within(RegisterCells.Whole)
            .Select(vote => new ToldPiece(vote, LeadershipOf(vote))),
    ];

    private Leadership LeadershipOf(PieceVote vote)
    {
        Ballot promised = vote.Piece.Promised;
        if (promised.Proposer == _server.Self)
        {
            ReignHost? reign = _reigns.Find(
                r => r.Reign.Ballot == promised && Overlap(r.Reign.Span, vote.Span) && !r.IsOver);
            return reign?.IsServing == true ? Leadership.Heard
                : reign is not null || _attempts.Exists(a => Overlap(a.Span, vote.Span)) ? Leadership.Unheard
                : Leadership.Over;
        }

        // Whoever serves a part of the piece serves, for those who are told about all of it.
        int cell = RegisterCells.Of(vote.Span).FirstOrDefault(-1);
        return cell >= 0 && _directory.Find(promised.Proposer.Node, cell) is { } told
            && told.Vote.Piece.Promised == promised
                ? told.Leadership
                : Leadership.Unheard;
    }

    private void Look()
    {
        foreach (ReignHost reign in _reigns.ToArray())
        {
            Tend(reign);
        }

        _reigns.RemoveAll(reign => reign.IsOver);
        TakeOverWhatIsUnled();
        DropWhatIsOver();
    }

    private void Tend(ReignHost reign)
    {
        Piece? own = _server.Acceptor.Find(reign.Reign.Span.First);
        bool hasEnded = own?.View.DescendsFrom(reign.Reign.View.Lineage) == true;
        if (hasEnded || _unled.IsToBeginAnew(reign.Reign.View, reign.Reign.Next?.View))
        {
            reign.Resign();
        }

        if (!reign.IsServing || reign.Reign.Next is not null)
        {
            return;
        }

        if (reign.Change is { } change)
        {
            if (_choice.IsOverdue(change.Since))
            {
                _choice.Avoid(reign.Reign.Awaited);
                reign.CancelChange();
            }

            return;
        }

        View view = reign.Reign.View;
        Voter[] members = _choice.MembersOf(view, reign.Reign.Span);
        int[] cells = [.. RegisterCells.Of(reign.Reign.Span)];
        Voter root = _choice.RootOf(cells[0], members);
        if (Array.Exists(cells, cell => _choice.RootOf(cell, members) != root))
        {
            reign.HandOver(); // its cells have several roots by now: each is taken over for itself
        }
        else if (_choice.VotersFor(view, root, members) is { } wanted && !wanted.SequenceEqual(view.Voters))
        {
            if (wanted.Any(voter => _directory.FloorOf(voter.Node) >= reign.Reign.Ballot))
            {
                reign.HandOver(); // a higher ballot is needed, so that it may take part again
            }
            else
            {
                reign.TryChange(wanted);
            }
        }
        else if (root != _server.Self && view.Contains(root))
        {
            reign.HandOver();
        }
    }

    // Cells that follow one another, have the same root and wait for this node to take them over.
    private void TakeOverWhatIsUnled()
    {
        TimeSpan now = _context.Now.Monotonic;
        (int First, int Last, Lineage Lineage, Voter Root)? run = null;
        for (int cell = 0; cell < RegisterCells.Count; cell++)
        {
            Piece? piece = _server.Acceptor.Find(RegisterCells.AnchorOf(cell));
            if (piece is null || !_unled.IsDue(now, cell, piece, IsTaken(cell)) || now < _quietUntil)
            {
                continue;
            }

            Voter[] members = _choice.MembersOf(piece.View, RegisterCells.SpanOf(cell, cell));
            Voter root = _choice.RootOf(cell, members);
            if (run is { } open && open.Last == cell - 1 && open.Root == root
                && open.Lineage == piece.View.Lineage)
            {
                run = open with { Last = cell };
            }
            else
            {
                TakeOver(run);
                run = (cell, cell, piece.View.Lineage, root);
            }
        }

        TakeOver(run);
    }

    private bool IsTaken(int cell) =>
        _reigns.Exists(reign => !reign.IsOver && RegisterCells.IsIn(cell, reign.Reign.Span))
        || _attempts.Exists(attempt => RegisterCells.IsIn(cell, attempt.Span));

    private void TakeOver((int First, int Last, Lineage Lineage, Voter Root)? run)
    {
        if (run is not { } cells || _attempts.Count >= AttemptsMax)
        {
            return;
        }

        _unled.HandleTaken(cells.First, cells.Last);
        KeySpan span = RegisterCells.SpanOf(cells.First, cells.Last);
        foreach (ReignHost reign in _reigns.Where(reign => Overlap(reign.Reign.Span, span)).ToArray())
        {
            reign.Resign();
        }

        Ballot seen = _server.Acceptor.Within(span).Select(vote => vote.Piece.Promised)
            .Append(_server.Acceptor.Floor).Append(_highest).Max();
        for (int cell = cells.First; cell <= cells.Last; cell++)
        {
            seen = _directory.All(cell).Select(other => other.Told.Vote.Piece.Promised).Append(seen).Max();
        }

        seen = _directory.Voters.Select(voter => _directory.FloorOf(voter.Node)).Append(seen).Max();

        var ballot = new Ballot(seen.Counter + 1, _server.Self);
        TimeSpan now = _context.Now.Monotonic;
        var takeover = new Takeover(
            _server.Self, span, cells.Lineage, ballot, _calls.Ask, _directory.IsGivenUp);
        _attempts.Add(new TakeoverAttempt(takeover, span, now));
        _nextTick = now + Tick;
    }

    // Begins what was won, and gives up what is not to be had for now.
    private void Conclude()
    {
        TimeSpan now = _context.Now.Monotonic;
        foreach (TakeoverAttempt attempt in _attempts.ToArray())
        {
            IReadOnlyList<WonPiece>? won = attempt.WonBy(now);
            if (won is null)
            {
                continue;
            }

            _attempts.Remove(attempt);
            _isChanged = true;
            _highest = Ballot.Max(_highest, attempt.Takeover.Highest);
            if (won.Count == 0)
            {
                // Another may be at it as well: not both again at the same time.
                _quietUntil = now + _context.Random.Between(Tick, 10 * Tick);
            }

            foreach (WonPiece piece in won)
            {
                _reigns.Add(new ReignHost(_context, _server, _calls, this, piece));
            }
        }
    }

    // A newcomer that learns is in no view yet, and looks like one that was voted out.
    private void DropWhatIsOver()
    {
        TimeSpan now = _context.Now.Monotonic;
        var unused = new Dictionary<Piece, TimeSpan>();
        foreach (PieceVote vote in _server.Acceptor.Within(RegisterCells.Whole).ToList())
        {
            if (vote.Piece.View.Contains(_server.Self)
                || _reigns.Exists(reign => Overlap(reign.Reign.Span, vote.Span))
                || _attempts.Exists(attempt => Overlap(attempt.Span, vote.Span)))
            {
                continue;
            }

            unused[vote.Piece] = _unusedSince.GetValueOrDefault(vote.Piece, now);
            if (now >= unused[vote.Piece] + DropAfter && _server.TryDrop(vote.Span))
            {
                _isChanged = true;
            }
        }

        _unusedSince = unused;
    }

    private static bool Overlap(KeySpan one, KeySpan other) =>
        one.First <= other.Last && one.Last >= other.First;
}
