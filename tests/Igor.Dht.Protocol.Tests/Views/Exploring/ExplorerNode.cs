using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using Igor.Simulation.Engine;

namespace Igor.Dht.Protocol.Tests.Views.Exploring;

/// <summary>
/// A node with a voter, a disk, a clock of its own and what it coordinates, that crashes, sleeps and loses
/// its disk.
/// </summary>
internal sealed class ExplorerNode
{
    private static readonly KeySpan Whole = new(Key.Zero, Key.Max);
    private readonly ViewExplorer _explorer;
    private readonly SimRandom _random;
    private readonly double _rate;
    private readonly TimeSpan _clockOffset;
    private readonly ExplorerDisk _disk;
    private readonly Dictionary<Key, Cell> _cells = [];
    private readonly List<ReignHost> _reigns = [];
    private readonly Queue<Action> _asleep = [];
    private Acceptor _acceptor;
    private Takeover? _takeover;
    private TimeSpan _takeoverAt;
    private Ballot _highest;
    private ulong _incarnation = 1;
    private int _life;
    private TimeSpan _asleepUntil;

    public ExplorerNode(ViewExplorer explorer, int index)
    {
        _explorer = explorer;
        _random = explorer.Engine.RandomFor("node " + index);
        Index = index;
        Id = new Key((ulong)(index + 1) << 60, 0, 0, 0);
        _rate = _random.Between(0.99, 1.01);
        _clockOffset = TimeSpan.FromSeconds(_random.Between(-3, 3));
        _disk = new ExplorerDisk(explorer.Engine, _random, explorer.Mutant == Mutant.SkipSync);
        _acceptor = new Acceptor(Now, Voter, _disk, []);
        Tick(_life);
    }

    public int Index { get; }

    public Key Id { get; }

    public bool IsUp { get; private set; } = true;

    public Mutant Mutant => _explorer.Mutant;

    public ReignOptions ReignOptions { get; } = new()
    {
        LeaseLength = TimeSpan.FromMilliseconds(300),
        RetryInterval = TimeSpan.FromMilliseconds(60),
    };

    public Voter Voter => new(Id, _incarnation);

    /// <summary>The node's own clock, which is up to 1% fast or slow.</summary>
    public TimeSpan Now => _explorer.Engine.Now * _rate;

    public IEnumerable<PieceVote> Pieces => _acceptor.Within(Whole);

    public IEnumerable<ReignHost> Serving => IsUp ? _reigns.Where(reign => reign.IsServing) : [];

    /// <summary>Whether it votes for some key, as far as it knows.</summary>
    public bool IsVoter => IsUp && MayVote;

    /// <summary>Whether it does when it is up.</summary>
    public bool MayVote => Pieces.Any(vote => vote.Piece.View.Contains(Voter));

    public bool VotesFor(Key key) => IsUp && _acceptor.Find(key)?.View.Contains(Voter) == true;

    public bool Serves(Key key) =>
        Serving.Any(reign => key >= reign.Reign.Span.First && key <= reign.Reign.Span.Last);

    public DhtTime Time() => new(Now, (long)(_explorer.Engine.Now + _clockOffset).TotalMilliseconds);

    public Register? Find(Key key) => _cells.GetValueOrDefault(key)?.Register;

    public Dictionary<Key, Cell> CellsWithin(KeySpan span) =>
        _cells.Where(c => c.Key >= span.First && c.Key <= span.Last).ToDictionary(c => c.Key, c => c.Value);

    public void Note(string text) => _explorer.Note($"{Index}: {text}");

    public void Found(Lineage lineage) => _acceptor.Found(Whole, lineage);

    public void HandleChanged(ReignHost reign) => _explorer.HandleChanged(this, reign);

    public void SendTo(Voter voter, object message) => _explorer.Carry(this, voter, message);

    public void Answer(ClientReply reply) => _explorer.CarryToClient(this, reply);

    /// <summary>Hands over what arrived; while the node sleeps, when it wakes.</summary>
    public void Receive(Action handle)
    {
        if (!IsUp)
        {
            return;
        }

        if (_explorer.Engine.Now < _asleepUntil)
        {
            _asleep.Enqueue(handle);
            return;
        }

        while (_asleep.TryDequeue(out Action? earlier))
        {
            earlier();
        }

        handle();
    }

    public void AfterRead(Action read)
    {
        int life = _life;
        _explorer.Engine.After(
            _random.Between(TimeSpan.Zero, TimeSpan.FromMilliseconds(2)),
            () => Receive(() => InLife(life, read)));
    }

    public void Handle(object message)
    {
        switch (message)
        {
            case StoreRegister store:
                HandleStore(store);
                break;
            case VoterRequest request:
                Reply(request.Ballot.Proposer, _acceptor.Handle(Now, request));
                break;
            case ListRequest list:
                HandleList(list);
                break;
            case VoterReply reply:
                HandleReply(reply);
                break;
            case ListReply reply:
                _reigns.ForEach(reign => reign.Handle(reply));
                break;
            case ClientRequest request:
                HandleClient(request.Operation);
                break;
        }
    }

    public int Life => _life;

    /// <summary>Tries to become coordinator of keys, having given up what it coordinates of them.</summary>
    public void TakeOver(KeySpan span)
    {
        PieceVote[] own = [.. _acceptor.Within(span)];
        if (!IsUp || own.Length == 0)
        {
            return;
        }

        foreach (ReignHost reign in _reigns.Where(reign => Overlaps(reign.Reign.Span, span)).ToList())
        {
            reign.Run(ended => ended.Resign());
            _reigns.Remove(reign);
        }

        Ballot seen = own.Select(vote => vote.Piece.Promised).Append(_acceptor.Floor).Append(_highest).Max();
        bool isReused = Mutant == Mutant.ReuseBallot && seen.Proposer == Voter;
        var ballot = new Ballot(isReused ? seen.Counter : seen.Counter + 1, Voter);
        Note($"takes over with {ballot}");
        _takeoverAt = Now;
        _takeover = new Takeover(Voter, span, own[0].Piece.View.Lineage, ballot, SendTo);
    }

    public bool Change(IReadOnlyList<Voter> voters)
    {
        bool isChanging = false;
        foreach (ReignHost reign in Serving.ToList())
        {
            reign.Run(serving => isChanging |= serving.Change(Time(), voters));
        }

        return isChanging;
    }

    public void Resign() => _reigns.ToList().ForEach(reign => reign.Run(serving => serving.Resign()));

    public void CancelChange() => _reigns.ForEach(reign => reign.Run(serving => serving.CancelChange()));

    public void Sleep(TimeSpan span) => _asleepUntil = _explorer.Engine.Now + span;

    public void Crash()
    {
        Note("crashes");
        IsUp = false;
        _life++;
        _disk.Crash();
        _takeover = null;
        _reigns.Clear();
        _asleep.Clear();
        _cells.Clear();
        _asleepUntil = default;
    }

    /// <summary>Loses the disk of a node that is down, or gets back an old copy of it.</summary>
    public void LoseDisk()
    {
        Note("loses its disk");
        int left = _random.NextInt(2) == 0 ? 0 : _random.NextInt(_disk.Durable.Count + 1);
        _disk.GoBack(left);
        if (Mutant != Mutant.ForgetIncarnation)
        {
            _disk.GoBack(0);
            _incarnation++;
        }
    }

    public void Restart()
    {
        Note("restarts");
        IsUp = true;
        _life++;
        _acceptor = new Acceptor(
            Now,
            Voter,
            _disk,
            _disk.Durable.Where(entry => entry.Piece is not null).Select(entry => entry.Piece!.Value));
        foreach (LogEntry entry in _disk.Durable.Where(entry => entry.Piece is null))
        {
            SetCell(entry.Key, entry.Cell);
        }

        Tick(_life);
    }

    public void Damage(Key key)
    {
        if (IsUp && _cells.GetValueOrDefault(key) is { } cell && _acceptor.Find(key) is { } piece)
        {
            HeldRegister held = _random.NextInt(2) == 0
                ? HeldRegister.Damaged(piece.Promised)
                : cell.Held with { IsDamaged = true };
            var damaged = new Cell(held, null);
            if (_disk.TryDamage(key, damaged))
            {
                Note($"{key.ToShortString()} is damaged");
                SetCell(key, damaged);
            }
        }
    }

    /// <summary>Drops what it has no part in any more.</summary>
    public void Drop()
    {
        foreach (PieceVote vote in Pieces.ToList())
        {
            bool isServed = _reigns.Exists(reign => Overlaps(reign.Reign.Span, vote.Span));
            if (IsUp && !isServed && _acceptor.TryDrop(vote.Span))
            {
                Note("drops a piece");
                foreach (Key key in CellsWithin(vote.Span).Keys)
                {
                    SetCell(key, null);
                    _disk.Append(key, null);
                }
            }
        }
    }

    private static bool Overlaps(KeySpan one, KeySpan other) =>
        one.First <= other.Last && one.Last >= other.First;

    private void InLife(int life, Action action)
    {
        if (life == _life)
        {
            action();
        }
    }

    private void Tick(int life)
    {
        _explorer.Engine.After(TimeSpan.FromMilliseconds(_random.Between(20, 60)), () =>
        {
            if (life == _life)
            {
                Receive(HandleTick);
                Tick(life);
            }
        });
    }

    private void HandleTick()
    {
        foreach (ReignHost reign in _reigns.ToList())
        {
            reign.HandleDeadline();
            if (!reign.IsServing && Now > reign.BeganAt + TimeSpan.FromSeconds(2))
            {
                reign.Run(stuck => stuck.Resign());
                _reigns.Remove(reign);
            }
        }

        if (_takeover is not null && (_takeover.IsOutvoted || Now > _takeoverAt + TimeSpan.FromSeconds(2.5)))
        {
            _highest = Ballot.Max(_highest, _takeover.Highest);
            _takeover = null;
        }

        _takeover?.Retry();
        Conclude();
    }

    // Begins what was won: at once when it is all, and whatever there is after a while.
    private void Conclude()
    {
        if (_takeover is null)
        {
            return;
        }

        IReadOnlyList<WonPiece> won = _takeover.Won();
        bool isPatient = Now < _takeoverAt + TimeSpan.FromMilliseconds(400);
        if (won.Count == 0 || (isPatient && won.Count > 1))
        {
            return;
        }

        _takeover = null;
        foreach (WonPiece piece in won)
        {
            _reigns.Add(new ReignHost(this, piece));
        }
    }

    private void HandleReply(VoterReply reply)
    {
        _takeover?.Handle(Mutant.ToTakeover(reply));
        Conclude();
        foreach (ReignHost reign in _reigns.ToList())
        {
            reign.Handle(Mutant.ToReign(Now, reply));
        }
    }

    private void HandleStore(StoreRegister store)
    {
        HeldRegister held = _cells.GetValueOrDefault(store.Key)?.Held ?? default;
        VoterVerdict verdict = _acceptor.Admit(held, store);
        if (verdict == VoterVerdict.Done)
        {
            Cell? cell = store.Register is null ? null : Cell.Of(store.Register);
            SetCell(store.Key, cell);
            _disk.Append(store.Key, cell);
        }

        Reply(store.Ballot.Proposer, _acceptor.Answer(Now, store, verdict));
    }

    private void HandleList(ListRequest list)
    {
        if (_acceptor.IsPromised(list.Span, list.Ballot))
        {
            var reply = new ListReply(Voter, list, CellsWithin(list.Span));
            _disk.AfterSync(() => SendTo(list.Ballot.Proposer, reply));
        }
    }

    private void HandleClient(RegisterOperation operation)
    {
        ReignHost? serving = Serving.FirstOrDefault(
            reign => operation.Key >= reign.Reign.Span.First && operation.Key <= reign.Reign.Span.Last);
        if (serving is null)
        {
            Answer(new ClientReply(operation.Id, operation.Reign, RegisterAnswer.NotServed));
        }
        else
        {
            _explorer.Submitted.Add(operation.Id);
            serving.Run(reign => reign.Submit(Time(), operation));
        }
    }

    private void Reply(Voter to, VoterReply reply) => _disk.AfterSync(() => SendTo(to, reply));

    private void SetCell(Key key, Cell? cell)
    {
        if (cell is null)
        {
            _cells.Remove(key);
        }
        else
        {
            _cells[key] = cell;
        }
    }
}
