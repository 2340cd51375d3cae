using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Registers;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// How a member goes for good, because somebody says so. It tells those near, who from then on write to those
/// too who take its place, and vote it out where it votes. It gives them all that it holds, and serves
/// meanwhile. Then it begins no further put, compares once more, and goes when all near agree that nothing
/// hangs on it. When that does not come about in time it stays, and nothing is lost. Whoever dies in between
/// is a member that failed, like any other.
/// </summary>
internal sealed class Draining(
    ReplicaContext context,
    RootKnowledge root,
    RootWriter writer,
    RootLeases leases,
    Func<RegisterReplica?> registers,
    Action ringChanged)
{
    /// <summary>Most who wait for news at a time: processes of this host.</summary>
    private const int WaitingMax = 16;

    /// <summary>How often the others are asked before puts are taken again for a while.</summary>
    private const int AskedMax = 5;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan TickClosing = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan TellPeriod = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PauseLeast = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan PauseMost = TimeSpan.FromMilliseconds(400);

    private readonly PeersAsked _telling = new(context, root);
    private readonly PeersAsked _asking = new(context, root);
    private readonly Queue<DeliveryToken> _waiting = new();
    private DrainProgress _progress = new();
    private ulong _revision = 1;
    private TimeSpan _until;
    private TimeSpan _tickAt;
    private TimeSpan _tellAt;
    private TimeSpan _pauseUntil;
    private DrainPass? _pass;
    private long _given;
    private int _asked;
    private bool _isTold;
    private bool _isAgreed;
    private string _obstacle = string.Empty;

    /// <summary>How far it is.</summary>
    public DrainStage Stage { get; private set; }

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline => IsUnderWay && !_isAgreed ? _tickAt : null;

    /// <summary>Whether it begins no further put.</summary>
    public bool IsClosing => Stage is DrainStage.Closing or DrainStage.Drained;

    /// <summary>What is told of it.</summary>
    public DrainProgress Progress => _progress;

    /// <summary>What to say of it in a status; null while it does not go.</summary>
    public Trouble? Trouble => IsUnderWay
        ? new Trouble(
            TroubleKinds.Draining,
            "it is being drained ('igor-dht drain'): it serves until others have all that it holds, and goes "
            + "for good then")
        : null;

    private bool IsUnderWay => Stage is DrainStage.Moving or DrainStage.Closing;

    /// <summary>Somebody on this host asks, or says what is to be done.</summary>
    public void Handle(DeliveryToken token, DrainMessage message)
    {
        if (message.Wish == DrainWish.Go)
        {
            Begin(message.Within);
        }
        else if (message.Wish == DrainWish.Stay && IsUnderWay && !_isAgreed)
        {
            Fail("it was told to stay");
        }

        Note();
        _waiting.Enqueue(token);
        if (message.Known != _revision)
        {
            TellWaiting();
        }
        else if (_waiting.Count > WaitingMax)
        {
            Tell(_waiting.Dequeue());
        }
    }

    /// <summary>This node is to go for good, within so much time.</summary>
    public void Begin(TimeSpan within)
    {
        if (Stage == DrainStage.Drained || _isAgreed)
        {
            return;
        }

        _until = context.Now.Monotonic + within;
        if (IsUnderWay)
        {
            return;
        }

        Stage = DrainStage.Moving;
        _given = 0;
        _obstacle = string.Empty;
        Say(isDraining: true);
        if (context.Membership.Remaining.Count == 0)
        {
            Fail("no other member is there to take what it holds");
        }
        else
        {
            Advance();
        }
    }

    /// <summary>The ring changed: others are to take what it holds.</summary>
    public void HandleUpdate()
    {
        if (IsUnderWay && !_isAgreed)
        {
            Reopen();
            _isTold = false;
            _tellAt = context.Now.Monotonic;
            _tickAt = context.Now.Monotonic;
        }
    }

    /// <summary>The deadline may have passed.</summary>
    public void HandleDeadline()
    {
        if (IsUnderWay && _tickAt <= context.Now.Monotonic)
        {
            Advance();
        }
    }

    private void Advance()
    {
        TimeSpan now = context.Now.Monotonic;
        if (!IsUnderWay || _isAgreed)
        {
            return;
        }

        if (now >= _until)
        {
            Fail(_obstacle.Length > 0 ? _obstacle : "there was not enough time");
            return;
        }

        if (now >= _tellAt && !_telling.IsAsking)
        {
            _tellAt = now + TellPeriod;
            _telling.Ask(() => DrainMessage.WriteDraining(context.Buffer, isDraining: true), HandleTold);
        }

        if (Stage == DrainStage.Moving || writer.IsIdle)
        {
            Compare();
        }

        _tickAt = now + (Stage == DrainStage.Closing || _pass?.WantsStep == true ? TickClosing : Tick);
        Note();
    }

    private void Compare()
    {
        TimeSpan now = context.Now.Monotonic;
        if (_pass is null && now >= _pauseUntil)
        {
            _pass = new DrainPass(context, Advance);
            _pass.Start();
        }

        _pass?.Step();
        if (_pass is not { IsOver: true })
        {
            return;
        }

        _obstacle = Obstacle();
        if (!_pass.IsGood)
        {
            Reopen();
        }
        else if (Stage == DrainStage.Closing)
        {
            AskToGo();
        }
        else if (_obstacle.Length == 0)
        {
            Stage = DrainStage.Closing;
            _asked = 0;
            EndPass();
        }
    }

    // Puts are taken again; it is compared anew a moment later.
    private void Reopen()
    {
        Stage = DrainStage.Moving;
        _pauseUntil = context.Now.Monotonic + context.Random.Between(PauseLeast, PauseMost);
        EndPass();
    }

    private void AskToGo()
    {
        if (!_asking.IsAsking && context.Now.Monotonic >= _pauseUntil)
        {
            _asked++;
            _asking.Ask(() => CommonMessages.WriteLeaving(context.Buffer, isAgreed: false), HandleAnswered);
        }
    }

    private void HandleAnswered(int refused)
    {
        if (Stage != DrainStage.Closing || _pass is not { IsGood: true })
        {
            return; // the ring changed meanwhile
        }

        if (refused == 0)
        {
            _isAgreed = true;
            leases.Release();
            _asking.Ask(() => CommonMessages.WriteLeaving(context.Buffer, isAgreed: true), _ => End());
            return;
        }

        // Another one that goes may have the word of those who agreed to this one.
        _obstacle = $"{refused} members near do not agree yet: another one goes, or records near them have "
            + "not all their copies";
        _tellAt = context.Now.Monotonic;
        _pauseUntil = context.Now.Monotonic + context.Random.Between(PauseLeast, PauseMost);
        if (_asked >= AskedMax)
        {
            Reopen();
        }

        Advance();
    }

    private void HandleTold(int refused)
    {
        _isTold = refused == 0;
        Advance();
    }

    private void End()
    {
        Stage = DrainStage.Drained;
        _obstacle = string.Empty;
        Note();
    }

    private void Fail(string why)
    {
        Stage = DrainStage.Failed;
        _obstacle = why;
        EndPass();
        Say(isDraining: false);
        _telling.Ask(() => DrainMessage.WriteDraining(context.Buffer, isDraining: false), static _ => { });
        Note();
    }

    private void EndPass()
    {
        _given += _pass?.Given ?? 0;
        _pass?.Abandon();
        _pass = null;
    }

    private void Say(bool isDraining)
    {
        Key self = context.Membership.Self;
        if (context.Membership.HandleDraining(context.Now.Monotonic, self, isDraining))
        {
            ringChanged();
        }
    }

    private string Obstacle()
    {
        Membership membership = context.Membership;
        int cells = registers()?.Cells ?? 0;
        return membership.Remaining.Count == 0 ? "no other member is there to take what it holds"
            : !membership.CanDrain()
                ? $"{membership.MissingMembers.Count()} members are missed, and without this one too few are "
                    + "there: start them, or forget those that are dead for good"
            : _pass?.Refusing is { } peer
                ? $"node {peer.ToShortString()} does not take all that it is to hold: it is full, or out of "
                    + "reach"
            : _pass is { HasLeftOver: true } ? "who is to hold some of its records does not take them"
            : cells > 0
                ? $"it votes about the registers of {cells} of 256 cells, and the others have not voted it "
                    + "out"
            : !_isTold ? "not all members near have heard that it goes"
            : string.Empty;
    }

    private void Note()
    {
        DrainProgress progress = _progress with
        {
            Stage = Stage,
            Peers = _pass?.Peers ?? _progress.Peers,
            PeersDone = _pass?.PeersDone ?? _progress.PeersDone,
            Records = context.Index.Count,
            CopiesGiven = _given + (_pass?.Given ?? 0),
            Cells = registers()?.Cells ?? 0,
            Obstacle = _obstacle,
        };
        if (progress != _progress)
        {
            _progress = progress;
            _revision++;
            TellWaiting();
        }
    }

    private void TellWaiting()
    {
        while (_waiting.TryDequeue(out DeliveryToken token))
        {
            Tell(token);
        }
    }

    private void Tell(DeliveryToken token)
    {
        DrainMessage.Write(context.Buffer, _revision, _progress);
        context.Reply(token);
    }
}
