using Igor.Dht.Protocol.Holdings;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Operations;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Replication;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Hosting;

/// <summary>
/// The protocol of the DHT on one node, driven from outside by one thread: upcalls of the overlay, local
/// commands, completions of the store and deadlines come in, each with the time; everything it does goes out
/// through <see cref="IDhtOutput"/>. It only dispatches; each concern is a machine of its own. A client runs
/// the same class: it is never a member, so no request reaches it. Same seed and same inputs give the same
/// outputs.
/// </summary>
public sealed class DhtNode
{
    private readonly DhtContext _context;
    private readonly ClientOperations _operations;
    private readonly RootKnowledge _root;
    private readonly ReplicaVotes _votes;
    private readonly RepairSchedule _repair;
    private readonly Coordinator _coordinator;
    private readonly Reader _reader;
    private readonly ReplicaServer _replica;
    private readonly Sweep _sweep;
    private readonly KeptNotes _notes;
    private bool _isParsed;

    /// <summary>Makes a node; nothing happens before <see cref="Start"/>.</summary>
    /// <param name="self">The id of the node that it is attached to.</param>
    /// <param name="options">Settings.</param>
    /// <param name="output">Where effects go.</param>
    /// <param name="seed">Seed of the node's only source of randomness.</param>
    /// <exception cref="ArgumentException">An option has a value out of its range.</exception>
    public DhtNode(Key self, DhtNodeOptions options, IDhtOutput output, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(output);
        options.Validate();
        _context = new DhtContext(self, options, output, seed);
        _operations = new ClientOperations(_context);
        _root = new RootKnowledge(_context);
        _votes = new ReplicaVotes(_context);
        _repair = new RepairSchedule(_context, _root, _votes);
        _coordinator = new Coordinator(_context, _repair);
        _reader = new Reader(_context, _root, _votes, _repair);
        _replica = new ReplicaServer(_context, _root, _votes, _repair);
        _sweep = new Sweep(_context);
        _notes = new KeptNotes(_context);
        _context.DamageFound = HandleLoss;
        _context.NoteChanged = _notes.HandleChange;
    }

    /// <summary>What a host answers for a node that has too much to do.</summary>
    /// <param name="text">Why, for people.</param>
    public static ReadOnlyMemory<byte> Busy(string text)
    {
        var buffer = new PayloadBuffer();
        CommonMessages.WriteBusy(buffer, text);
        return buffer.Written;
    }

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline => Earliest(
        Earliest(_operations.NextDeadline, _repair.NextDeadline),
        Earliest(Earliest(_sweep.NextDeadline, _context.Membership.NextDeadline), _notes.NextDeadline));

    /// <summary>How the node is.</summary>
    public DhtNodeStatus Status => new(
        _context.Membership.IsMember || _context.Membership.Neighbours.Count > 0,
        [.. _context.Membership.Neighbours.Others],
        [.. _context.Membership.MissingMembers],
        _root.IsSettled,
        _root.IsReplicated(),
        _context.Index.Count,
        [.. Troubles()])
    {
        RefusedMessages = _context.RefusedMessages,
        RefusedRecords = _context.RefusedRecords,
    };

    /// <summary>Takes up what the store holds.</summary>
    /// <param name="now">The time.</param>
    /// <param name="holdings">The headers of all records in the store.</param>
    /// <param name="recall">
    /// What <see cref="IDhtOutput.Remember"/> was given last for a note; null when never.
    /// </param>
    public void Start(DhtTime now, IEnumerable<RecordHeader> holdings, Func<string, byte[]?> recall)
    {
        ArgumentNullException.ThrowIfNull(recall);
        ArgumentNullException.ThrowIfNull(holdings);
        _context.Now = now;
        foreach (RecordHeader header in holdings)
        {
            if (header.Replicas is >= 1 and <= RecordCodec.ReplicasMax)
            {
                _context.Index.Put(Holding.Of(header));
                _context.HandleReplicas(header.Replicas);
            }
        }

        _notes.Recall(recall);
    }

    /// <summary>A local caller wants a record written; ends in <see cref="IDhtOutput.Complete"/>.</summary>
    public void Put(DhtTime now, long command, DhtPut put)
    {
        _context.Now = now;
        _operations.Put(command, put);
    }

    /// <summary>A local caller wants a record; ends in <see cref="IDhtOutput.Complete"/>.</summary>
    public void Get(DhtTime now, long command, DhtGet get)
    {
        _context.Now = now;
        _operations.Get(command, get);
    }

    /// <summary>
    /// Nobody waits for a command any more: it makes no further attempts and is not completed. What an
    /// attempt has sent may still be done.
    /// </summary>
    public void Abandon(DhtTime now, long command)
    {
        _context.Now = now;
        _operations.Abandon(command);
    }

    /// <summary>A message was delivered. Any content is handled, however wrong.</summary>
    public void HandleDelivery(DhtTime now, in KbrDelivery delivery)
    {
        _context.Now = now;
        _context.Via = delivery.Via;
        _isParsed = false;
        try
        {
            Dispatch(delivery);
        }
        catch (Exception e) when (!_isParsed && CommonMessages.IsMalformed(e))
        {
            _context.Refuse(delivery.Token, RefusalReason.Malformed, "malformed message: " + e.Message);
        }
    }

    /// <summary>The neighbour set changed.</summary>
    public void HandleUpdate(DhtTime now, NeighbourChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        _context.Now = now;
        _votes.Add(_root.Complete);
        _context.Membership.HandleUpdate(now.Monotonic, change);
        HandleRing();
    }

    /// <summary>A request ended.</summary>
    public void HandleReply(DhtTime now, long token, in KbrReply reply)
    {
        _context.Now = now;
        _context.HandleReply(token, reply);
    }

    /// <summary>A write ended.</summary>
    public void HandleWritten(DhtTime now, long token, StoreOutcome outcome)
    {
        _context.Now = now;
        _context.HandleWritten(token, outcome);
    }

    /// <summary>A read ended; null when there is no record, or none that is intact.</summary>
    public void HandleRead(DhtTime now, long token, Record? record)
    {
        _context.Now = now;
        _context.HandleRead(token, record);
    }

    /// <summary>
    /// The store found that the record of a key is damaged: it is to be had from the replicas.
    /// </summary>
    public void HandleDamage(DhtTime now, Key key)
    {
        _context.Now = now;
        _context.HandleDamage(key);
    }

    /// <summary>The deadline has passed.</summary>
    public void HandleDeadline(DhtTime now)
    {
        _context.Now = now;
        _operations.HandleDeadline();
        if (_context.Membership.HandleDeadline(now.Monotonic))
        {
            HandleRing();
        }

        _repair.HandleDeadline();
        _sweep.HandleDeadline();
        _notes.HandleDeadline();
    }

    /// <summary>Ends all commands, and keeps what has to be kept.</summary>
    public void Close(DhtTime now)
    {
        _context.Now = now;
        _operations.Close();
        _notes.Flush();
    }

    private static TimeSpan? Earliest(TimeSpan? left, TimeSpan? right) =>
        left is null || right < left ? right : left;

    private IEnumerable<Trouble> Troubles()
    {
        if (_context.Membership.Trouble() is { } trouble)
        {
            yield return trouble;
        }

        if (_context.Lacked.HasForgotten)
        {
            yield return new Trouble(
                TroubleKinds.Lacking,
                $"more than {LackedKeys.KeysMax} records that others hold are not here, more than are "
                + "remembered, so every read asks the other replicas: give the store room, and restart it");
        }
    }

    private void HandleRing()
    {
        _root.HandleUpdate();
        _votes.HandleUpdate();
        _repair.HandleUpdate();
        _coordinator.HandleUpdate();
        _sweep.HandleUpdate();
        if (_context.Membership.IsMember)
        {
            _notes.HandleChange();
        }
    }

    private void HandleLoss(Key key)
    {
        _repair.HandleDamage(key);
        _notes.HandleChange();
    }

    private static bool IsBetweenReplicas(MessageKind kind) => kind is MessageKind.Store
        or MessageKind.Fetch or MessageKind.Sync or MessageKind.SyncDone or MessageKind.Describe;

    private void Dispatch(in KbrDelivery delivery)
    {
        var reader = new MessagePackReader(delivery.Payload);
        MessageKind received = CommonMessages.ReadKind(ref reader);
        if (IsBetweenReplicas(received) && !_context.IsFromReplica(delivery))
        {
            _context.RefuseStranger(delivery.Token);
            return;
        }

        switch (received)
        {
            case MessageKind.Put:
                _coordinator.HandlePut(delivery.Token, Parsed(PutMessage.Read(ref reader)));
                break;
            case MessageKind.Get:
                _reader.HandleGet(delivery.Token, Parsed(GetMessage.Read(ref reader)));
                break;
            case MessageKind.Store:
                (bool isCoordinated, Record?[] records) = Parsed(ReplicaMessages.ReadStore(ref reader));
                _replica.HandleStore(delivery, isCoordinated, records);
                break;
            case MessageKind.Fetch:
                _replica.HandleFetch(delivery, Parsed(ReplicaMessages.ReadFetch(ref reader)));
                break;
            case MessageKind.Sync:
                _replica.HandleSync(delivery, Parsed(SyncMessage.Read(ref reader)));
                break;
            case MessageKind.SyncDone:
                _replica.HandleSyncDone(delivery, Parsed(SyncMessages.ReadDone(ref reader)));
                break;
            case MessageKind.Describe:
                _replica.HandleDescribe(delivery, Parsed(KeyCodec.Read(ref reader)));
                break;
            case MessageKind kind:
                _context.Refuse(
                    delivery.Token,
                    RefusalReason.UnknownMessage,
                    $"messages of kind {(int)kind} are not known here");
                break;
        }
    }

    /// <summary>
    /// Marks the end of reading a message: what fails from here on is a fault of this node's.
    /// </summary>
    private T Parsed<T>(T message)
    {
        _isParsed = true;
        return message;
    }
}
