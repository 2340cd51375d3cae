using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Views.Exploring;

/// <summary>Reads the clocks of a node.</summary>
internal delegate DhtTime DhtTimeSource();

/// <summary>
/// What a replica does around a coordinator: messages, transfers of registers, reads of its own.
/// </summary>
internal sealed class ReignHost : IReignOutput
{
    private readonly List<Transfer> _transfers = [];
    private readonly Queue<Action> _later = [];
    private bool _isIn;

    public ReignHost(ExplorerNode node, WonPiece won)
    {
        Node = node;
        BeganAt = node.Now;
        _isIn = true; // the reign calls back while it is made
        Reign = new Reign(node.Time(), node.Voter, won, node.ReignOptions, this);
        _isIn = false;
        RunLater();
    }

    public ExplorerNode Node { get; }

    public Reign Reign { get; }

    public TimeSpan BeganAt { get; }

    public bool IsServing => Reign.Phase == ReignPhase.Serving;

    /// <summary>Calls the reign, and does then what it asked for meanwhile.</summary>
    public void Run(Action<Reign> call)
    {
        _isIn = true;
        call(Reign);
        _isIn = false;
        RunLater();
    }

    public void Handle(VoterReply reply)
    {
        Run(reign => reign.HandleReply(Node.Time(), reply));
        foreach (Transfer transfer in _transfers.ToList())
        {
            transfer.Handle(Node.Time, reply);
        }
    }

    public void Handle(ListReply reply)
    {
        foreach (Transfer transfer in _transfers.ToList())
        {
            transfer.Handle(reply);
        }
    }

    public void HandleDeadline()
    {
        if (Node.Now >= Reign.NextDeadline)
        {
            Run(reign => reign.HandleDeadline(Node.Time()));
            foreach (Transfer transfer in _transfers.ToList())
            {
                transfer.Pursue();
            }
        }
    }

    public void End(Transfer transfer, DhtTimeSource time)
    {
        _transfers.Remove(transfer);
        if (transfer.IsGathering)
        {
            Run(reign => reign.HandleGathered(time()));
        }
        else
        {
            Run(reign => reign.HandleInstalled(time(), transfer.Target));
        }
    }

    void IReignOutput.Send(Voter to, VoterRequest request) => Later(() =>
    {
        bool isTakenForDone = Node.Mutant switch
        {
            Mutant.OldMajorityOnly => Reign.Next is not null && !Reign.View.Contains(to)
                && request is StoreRegister or Confirm,
            Mutant.AnswerUncommitted => to != Node.Voter && request is StoreRegister,
            Mutant.LeaseWithoutMajority => to != Node.Voter && request is Confirm,
            _ => false,
        };
        if (isTakenForDone)
        {
            LeaseTerms terms = (request as Confirm)?.Terms ?? ((StoreRegister)request).Terms;
            var reply = new VoterReply(to, request, VoterVerdict.Done) { Lease = terms.Length };
            Run(reign => reign.HandleReply(Node.Time(), reply));
        }

        Node.SendTo(to, request);
    });

    void IReignOutput.Gather(WonPiece won) => Later(() =>
        Start(new Transfer(this, Node.Voter, new Gathering(won), won.Election.Sources)));

    void IReignOutput.Install(Voter member) => Later(() =>
    {
        if (!_transfers.Exists(transfer => transfer.Target == member))
        {
            Start(new Transfer(this, member, null, [member]));
        }
    });

    void IReignOutput.Read(Key key) => Later(() => Node.AfterRead(() =>
    {
        if (Node.CellsWithin(Reign.Span).GetValueOrDefault(key) is { Held.IsDamaged: true })
        {
            Run(reign => reign.Resign());
        }
        else
        {
            Run(reign => reign.HandleRead(Node.Time(), key, Node.Find(key)));
        }
    }));

    void IReignOutput.Resend(Voter to, Key key) => Later(() =>
    {
        if (Node.Find(key) is { } register)
        {
            Node.SendTo(to, new StoreRegister(key, Reign.Ballot, register, default));
        }
    });

    void IReignOutput.Answer(RegisterOperation operation, RegisterAnswer answer) =>
        Later(() => Node.Answer(new ClientReply(operation.Id, operation.Reign, answer)));

    void IReignOutput.Changed()
    {
        Node.Note(
            $"{Reign.Phase} {Reign.Ballot} {Reign.View}"
            + (Reign.Next is { } next ? $", next {next.View}" : ""));
        Node.HandleChanged(this);
    }

    private void Start(Transfer transfer)
    {
        _transfers.Add(transfer);
        transfer.Pursue();
    }

    private void Later(Action action)
    {
        _later.Enqueue(action);
        if (!_isIn)
        {
            RunLater();
        }
    }

    private void RunLater()
    {
        while (!_isIn && _later.TryDequeue(out Action? action))
        {
            action();
        }
    }
}
