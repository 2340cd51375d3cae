using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// What a replica does around one coordinator: its messages, transfers of registers, reads of the own ones,
/// and the answers to those who called.
/// </summary>
internal sealed class ReignHost : IReignOutput
{
    /// <summary>
    /// A reign that makes no progress before it serves is given up: its voters are out of reach.
    /// </summary>
    private static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(5);

    /// <summary>Who hands over waits so long for the writes under way.</summary>
    private static readonly TimeSpan HandOverMax = TimeSpan.FromSeconds(1);

    private static readonly ReignOptions Options = new() { RetryInterval = TimeSpan.FromMilliseconds(200) };

    private readonly ReplicaContext _context;
    private readonly VoterServer _server;
    private readonly VoterCalls _calls;
    private readonly CoordinatorOffice _office;
    private readonly List<Transfer> _transfers = [];
    private readonly Dictionary<RegisterOperation, WaitingCall> _open =
        new(ReferenceEqualityComparer.Instance);

    private TimeSpan _lastProgress;

    /// <summary>Begins to reign.</summary>
    public ReignHost(
        ReplicaContext context, VoterServer server, VoterCalls calls, CoordinatorOffice office, WonPiece won)
    {
        _context = context;
        _server = server;
        _calls = calls;
        _office = office;
        _lastProgress = context.Now.Monotonic;
        Reign = new Reign(context.Now, server.Self, won, Options, this);
    }

    /// <summary>The coordinator.</summary>
    public Reign Reign { get; }

    /// <summary>Whether it serves.</summary>
    public bool IsServing => Reign.Phase == ReignPhase.Serving && HandingOverSince is null;

    /// <summary>Whether nothing is to be expected of it any more.</summary>
    public bool IsOver => Reign.Phase == ReignPhase.Ended;

    /// <summary>Since when it takes no new calls, and ends when those under way have ended.</summary>
    public TimeSpan? HandingOverSince { get; private set; }

    /// <summary>
    /// The voters that are asked for, and since when; null while there is no change under way.
    /// </summary>
    public (TimeSpan Since, IReadOnlyList<Voter> Voters)? Change { get; private set; }

    /// <summary>When it wants to be called.</summary>
    public TimeSpan NextDeadline => Reign.NextDeadline;

    /// <summary>Takes a call; false when it takes none.</summary>
    public bool TrySubmit(WaitingCall call)
    {
        if (!IsServing)
        {
            return false;
        }

        _open.Add(call.Operation, call);
        Reign.Submit(_context.Now, call.Operation);
        return true;
    }

    /// <summary>A voter answered.</summary>
    public void Handle(VoterReply reply)
    {
        if (reply.Request.Ballot != Reign.Ballot)
        {
            return;
        }

        Reign.HandleReply(_context.Now, reply);
        foreach (Transfer transfer in _transfers.ToArray())
        {
            transfer.Handle(reply);
        }

        PursueHandOver();
    }

    /// <summary>Repeats what was not answered.</summary>
    public void HandleDeadline()
    {
        TimeSpan now = _context.Now.Monotonic;
        if (Reign.Phase != ReignPhase.Serving && now > _lastProgress + StuckAfter)
        {
            Reign.Resign();
        }

        if (!IsOver && now >= Reign.NextDeadline)
        {
            Reign.HandleDeadline(_context.Now);
            foreach (Transfer transfer in _transfers.ToArray())
            {
                transfer.Pursue();
            }
        }

        PursueHandOver();
    }

    /// <summary>Asks for other voters.</summary>
    public void TryChange(IReadOnlyList<Voter> voters)
    {
        if (Reign.Change(_context.Now, voters))
        {
            Change = (_context.Now.Monotonic, voters);
        }
    }

    /// <summary>
    /// Has the lineage take the place of another one; nothing is done while something else is under way.
    /// </summary>
    public void Replace(Lineage other)
    {
        if (!Reign.View.DescendsFrom(other))
        {
            Reign.Change(_context.Now, Reign.View.Replacing(other));
        }
    }

    /// <summary>Gives up a change, unless it may be decided already.</summary>
    public void CancelChange()
    {
        if (Reign.Next is null)
        {
            Reign.CancelChange();
            Change = null;
        }
    }

    /// <summary>Takes no new calls, and ends when those under way have ended.</summary>
    public void HandOver()
    {
        HandingOverSince ??= _context.Now.Monotonic;
        PursueHandOver();
    }

    /// <summary>Serves no more.</summary>
    public void Resign() => Reign.Resign();

    /// <summary>A transfer came further.</summary>
    internal void HandleProgress() => _lastProgress = _context.Now.Monotonic;

    /// <summary>A voter says that another has its promise.</summary>
    internal void Outvote() => Reign.Resign();

    /// <summary>What the registers are cannot be told.</summary>
    internal void HandleUnclear() => Reign.HandleUnclear();

    /// <summary>A transfer is through.</summary>
    internal void End(Transfer transfer)
    {
        if (!_transfers.Remove(transfer))
        {
            return;
        }

        HandleProgress();
        if (transfer is GatherTransfer)
        {
            Reign.HandleGathered(_context.Now);
        }
        else
        {
            Reign.HandleInstalled(_context.Now, transfer.Target);
        }
    }

    void IReignOutput.Send(Voter to, VoterRequest request) => _calls.Ask(to, request);

    void IReignOutput.Gather(WonPiece won) =>
        _office.Later(() => Start(new GatherTransfer(this, _calls, _server, won)));

    void IReignOutput.Install(Voter member) => _office.Later(() =>
    {
        if (!_transfers.Exists(transfer => transfer.Target == member))
        {
            Start(new InstallTransfer(this, _calls, _server, member));
        }
    });

    void IReignOutput.Read(Key key) => _office.Later(
        () => Reign.HandleRead(_context.Now, key, _server.Shelf.Find(key)));

    void IReignOutput.Resend(Voter to, Key key)
    {
        if (_server.Shelf.Find(key) is { } register)
        {
            _calls.Ask(to, new StoreRegister(
                key, Reign.Ballot, register, new LeaseTerms(Reign.Span, default, default)));
        }
    }

    void IReignOutput.Answer(RegisterOperation operation, RegisterAnswer answer)
    {
        if (_open.Remove(operation, out WaitingCall? call))
        {
            _office.Later(() => _office.Answer(call, answer, Reign));
        }
    }

    void IReignOutput.Changed()
    {
        if (Change is { } change && Reign.View.Voters.Order().SequenceEqual(change.Voters))
        {
            Change = null;
        }

        _office.HandleChanged();
    }

    private void PursueHandOver()
    {
        if (HandingOverSince is { } since && !IsOver
            && (!Reign.HasWrites || _context.Now.Monotonic > since + HandOverMax))
        {
            Reign.Resign();
        }
    }

    private void Start(Transfer transfer)
    {
        if (!IsOver)
        {
            _transfers.Add(transfer);
            transfer.Pursue();
        }
    }
}
