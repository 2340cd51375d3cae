using System.Diagnostics.CodeAnalysis;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Registers;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// The replica: what a node does that keeps records, as the root of some and as a replica of others. It only
/// dispatches; each concern is a machine of its own. The time of an input stands in the context before it is
/// handled here. Same seed and same inputs give the same outputs.
/// </summary>
internal sealed class DhtReplica
{
    private readonly ReplicaContext _context;
    private readonly RootKnowledge _root;
    private readonly ReplicaVotes _votes;
    private readonly Allegiance _allegiance;
    private readonly RootLeases _leases;
    private readonly RepairSchedule _repair;
    private readonly RootWriter _writer;
    private readonly RootReader _reader;
    private readonly ReplicaServer _server;
    private readonly Sweep _sweep;
    private readonly KeptNotes _notes;
    private readonly LeaveTaking _leaving;
    private readonly Draining _draining;
    private readonly Absence _absence;
    private readonly Forgetting _forgetting;
    private RegisterReplica? _registers;

    /// <summary>Makes a replica; nothing happens before <see cref="Start"/>.</summary>
    public DhtReplica(ReplicaContext context)
    {
        _context = context;
        _root = new RootKnowledge(_context);
        _votes = new ReplicaVotes(_context);
        _repair = new RepairSchedule(_context, _root, _votes);
        _allegiance = new Allegiance(_context);
        _leases = new RootLeases(_context, _root, _allegiance, _repair);
        _writer = new RootWriter(_context, _root, _allegiance, _leases, _repair);
        _reader = new RootReader(_context, _root, _votes, _allegiance, _leases, _repair);
        _server = new ReplicaServer(_context, _root, _votes, _allegiance, _repair);
        _sweep = new Sweep(_context);
        _notes = new KeptNotes(_context);
        _absence = new Absence(_context, _root);
        _forgetting = new Forgetting(_context, () => _registers, HandleUpdate);
        _leaving = new LeaveTaking(_context, _root, _repair, _writer, _leases);
        _draining = new Draining(_context, _root, _writer, _leases, () => _registers, HandleUpdate);
        _context.DamageFound = HandleLoss;
        _context.NoteChanged = _notes.HandleChange;
    }

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline =>
        DhtTime.Earliest(
            DhtTime.Earliest(
                DhtTime.Earliest(_absence.IsHeldBack ? null : _repair.NextDeadline, _writer.NextDeadline),
                DhtTime.Earliest(
                    DhtTime.Earliest(_registers?.NextDeadline, _leases.NextDeadline),
                    DhtTime.Earliest(_leaving.NextDeadline, _draining.NextDeadline))),
            DhtTime.Earliest(
                DhtTime.Earliest(_absence.IsHeldBack ? null : _sweep.NextDeadline, _absence.NextDeadline),
                _notes.NextDeadline));

    /// <summary>Whether it may answer alone for all keys that it is the root of.</summary>
    public bool IsSettled => _root.IsSettled;

    /// <summary>Whether all replicas are known to have what it holds as a root.</summary>
    public bool IsReplicated => _root.IsReplicated();

    /// <summary>
    /// Whether nothing is lost when the node leaves now, which it said that it would: the members that take
    /// its place have what they take of it.
    /// </summary>
    public bool IsReadyToLeave => _leaving.IsOver;

    /// <summary>Number of records held, tombstones included.</summary>
    public int Records => _context.Index.Count;

    /// <summary>Messages between replicas that were refused: they came from no known member.</summary>
    public long RefusedMessages => _context.RefusedMessages;

    /// <summary>Records of others that were refused.</summary>
    public long RefusedRecords => _context.RefusedRecords;

    /// <summary>What keeps it from doing all that it is there for.</summary>
    public IEnumerable<Trouble> Troubles =>
        ((Trouble?[])[_draining.Trouble, _context.Lacked.Trouble]).OfType<Trouble>();

    /// <summary>Takes up what the store holds.</summary>
    /// <param name="recall">
    /// What <see cref="IDhtOutput.Remember"/> was given last for a note; null when never.
    /// </param>
    public void Start(Func<string, byte[]?> recall)
    {
        for (int replicas = 1; replicas <= RecordCodec.ReplicasMax; replicas++)
        {
            if (_context.Index.CountOf(replicas) > 0)
            {
                _context.HandleReplicas(replicas);
            }
        }

        if (_notes.Recall(recall))
        {
            _allegiance.BeQuiet();
        }

        _absence.Recall(recall);
        _context.FewerFound = HandleFewer;
    }

    /// <summary>
    /// Takes up what the voter's log holds; without one the node takes no part in registers.
    /// </summary>
    public void StartVoting(ulong incarnation, IReadOnlyList<ReadOnlyMemory<byte>> kept) =>
        _registers = new RegisterReplica(_context, incarnation, kept);

    /// <summary>What it does for registers; null when it takes no part.</summary>
    public RegisterReplica? Registers => _registers;

    /// <summary>A message was delivered. Any content is handled, however wrong.</summary>
    public void HandleDelivery(in KbrDelivery delivery)
    {
        _context.Via = delivery.Via;
        if (!Decoding.TryReadKind(delivery.Payload, out MessageKind kind, out string fault))
        {
            Refuse(delivery, fault);
        }
        else if (IsBetweenReplicas(kind) && !_context.IsFromReplica(delivery))
        {
            _context.RefuseStranger(delivery.Token);
        }
        else if (_registers?.TryHandle(delivery, kind) != true)
        {
            Dispatch(delivery, kind);
        }
    }

    /// <summary>Before the ring changes: who has a vote now keeps it.</summary>
    public void HandleUpdating() => _votes.Add(_root.Complete);

    /// <summary>The ring has changed.</summary>
    public void HandleUpdate()
    {
        _root.HandleUpdate();
        _votes.HandleUpdate();
        _allegiance.HandleUpdate();
        _leases.HandleUpdate();
        _repair.HandleUpdate();
        _writer.HandleUpdate();
        _sweep.HandleUpdate();
        _draining.HandleUpdate();
        _registers?.HandleUpdate();
        if (_context.Membership.IsMember)
        {
            _notes.HandleChange();
        }
    }

    /// <summary>A write ended.</summary>
    public void HandleWritten(long token, StoreOutcome outcome) => _context.HandleWritten(token, outcome);

    /// <summary>A read ended; null when there is no record, or none that is intact.</summary>
    public void HandleRead(long token, Record? record) => _context.HandleRead(token, record);

    /// <summary>The store found that a record is damaged.</summary>
    public void HandleDamage(Holding lost) => _context.HandleDamage(lost);

    /// <summary>The deadline has passed.</summary>
    public void HandleDeadline()
    {
        _absence.HandleDeadline();
        if (!_absence.IsHeldBack)
        {
            _repair.HandleDeadline();
            _sweep.HandleDeadline();
        }

        _writer.HandleDeadline();
        _draining.HandleDeadline();
        _leases.HandleDeadline();
        _registers?.HandleDeadline();
        _notes.HandleDeadline();
    }

    /// <summary>The node is going to leave: gives the others what they lack.</summary>
    public void BeginLeaving() => _leaving.Begin();

    /// <summary>How it goes for good, when somebody says so.</summary>
    public Draining Draining => _draining;

    /// <summary>After every input.</summary>
    public void EndInput() => _leaving.EndInput();

    /// <summary>Keeps what has to be kept, and hands over what it coordinates.</summary>
    public void Close()
    {
        if (_draining.Stage == DrainStage.Drained)
        {
            _notes.FlushForGood();
        }
        else
        {
            _notes.Flush();
        }

        _registers?.Close();
    }

    // Who was asked did not know that it may be with so few.
    private void HandleFewer()
    {
        _votes.Clear();
        _notes.FlushFewer();
    }

    private void HandleLoss(Key key)
    {
        _repair.HandleDamage(key);
        _notes.HandleChange();
    }

    private void HandleDraining(in KbrDelivery delivery, bool isDraining)
    {
        if (_context.Membership.HandleDraining(_context.Now.Monotonic, delivery.Source, isDraining))
        {
            HandleUpdate();
        }

        CommonMessages.WriteDone(_context.Buffer);
        _context.Reply(delivery.Token);
    }

    private static bool IsBetweenReplicas(MessageKind kind) => kind is MessageKind.Store
        or MessageKind.Fetch or MessageKind.Sync or MessageKind.SyncDone or MessageKind.Describe
        or MessageKind.Leaving or MessageKind.Members or MessageKind.Follow or MessageKind.ForgetMember
        or MessageKind.Draining or MessageKind.FewCopies
        || RegisterReplica.IsBetweenReplicas(kind);

    private void Dispatch(in KbrDelivery delivery, MessageKind kind)
    {
        switch (kind)
        {
            case MessageKind.Put or MessageKind.Get or MessageKind.Fetch or MessageKind.Sync
                when _absence.IsHeldBack:
                _context.Defer(delivery.Token, "the node was away for long, and asks what was deleted");
                break;
            case MessageKind.Put when _leaving.IsClosing || _draining.IsClosing:
                _context.Defer(delivery.Token, "the root is leaving: another one takes its place");
                break;
            case MessageKind.Put:
                if (TryRead(delivery, PutMessage.Read, out PutMessage put))
                {
                    _writer.HandlePut(delivery.Token, put);
                }

                break;
            case MessageKind.Get:
                if (TryRead(delivery, GetMessage.Read, out GetMessage get))
                {
                    _reader.HandleGet(delivery.Token, get);
                }

                break;
            case MessageKind.Store:
                if (TryRead(delivery, ReplicaMessages.ReadStore, out var store))
                {
                    _server.HandleStore(delivery, store.IsCoordinated, store.Records);
                }

                break;
            case MessageKind.Fetch:
                if (TryRead(delivery, ReplicaMessages.ReadFetch, out var fetch))
                {
                    _server.HandleFetch(delivery, fetch.IsAsRoot, fetch.Keys);
                }

                break;
            case MessageKind.Sync:
                if (TryRead(delivery, SyncMessage.Read, out SyncMessage sync))
                {
                    _server.HandleSync(delivery, sync);
                }

                break;
            default:
                DispatchUpkeep(delivery, kind);
                break;
        }
    }

    private void DispatchUpkeep(in KbrDelivery delivery, MessageKind kind)
    {
        switch (kind)
        {
            case MessageKind.SyncDone:
                if (TryRead(delivery, SyncMessages.ReadDone, out var arcs))
                {
                    _server.HandleSyncDone(delivery, arcs);
                }

                break;
            case MessageKind.Follow:
                if (TryRead(delivery, SyncMessages.ReadFollow, out var follow))
                {
                    _server.HandleFollow(delivery, follow.Lease, follow.Arcs);
                }

                break;
            case MessageKind.Forget:
                if (TryRead(delivery, ForgetMessage.Read, out ForgetMessage forget))
                {
                    _forgetting.HandleForget(delivery.Token, forget);
                }

                break;
            case MessageKind.ForgetMember:
                if (TryRead(delivery, KeyCodec.Read, out Key member))
                {
                    _forgetting.HandleForgetMember(delivery.Token, member);
                }

                break;
            default:
                DispatchWord(delivery, kind);
                break;
        }
    }

    /// <summary>What members say, and ask, of themselves.</summary>
    private void DispatchWord(in KbrDelivery delivery, MessageKind kind)
    {
        switch (kind)
        {
            case MessageKind.Leaving:
                if (TryRead(delivery, CommonMessages.ReadLeaving, out bool isAgreed))
                {
                    _server.HandleLeaving(delivery, isAgreed);
                }

                break;
            case MessageKind.Draining:
                if (TryRead(delivery, DrainMessage.ReadDraining, out bool isDraining))
                {
                    HandleDraining(delivery, isDraining);
                }

                break;
            case MessageKind.FewCopies:
                if (TryRead(delivery, CommonMessages.ReadFewCopies, out var few))
                {
                    _server.HandleFewCopies(delivery, few.Key, few.Replicas);
                }

                break;
            case MessageKind.Members:
                _server.HandleMembers(delivery);
                break;
            case MessageKind.Describe:
                if (TryRead(delivery, KeyCodec.Read, out Key key))
                {
                    _server.HandleDescribe(delivery, key);
                }

                break;
            default:
                _context.Refuse(
                    delivery.Token,
                    RefusalReason.UnknownMessage,
                    $"messages of kind {(int)kind} are not known here");
                break;
        }
    }

    /// <summary>Reads the fields of a message; refuses it when they are none.</summary>
    private bool TryRead<T>(
        in KbrDelivery delivery, FieldsReading<T> fields, [MaybeNullWhen(false)] out T message)
    {
        bool isMessage = Decoding.TryRead(delivery.Payload, fields, out message, out string fault);
        if (!isMessage)
        {
            Refuse(delivery, fault);
        }

        return isMessage;
    }

    private void Refuse(in KbrDelivery delivery, string fault) =>
        _context.Refuse(delivery.Token, RefusalReason.Malformed, "malformed message: " + fault);
}
