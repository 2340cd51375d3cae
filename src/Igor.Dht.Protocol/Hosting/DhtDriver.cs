using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Operations;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Registers;
using Igor.Dht.Protocol.Replication;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Hosting;

/// <summary>
/// The DHT of one application, the same in a real host and in a simulated one: a client, and with a store a
/// replica beside it. Inputs come from the host, one at a time: upcalls of the overlay, operations, what
/// ended, deadlines. What client and replica do goes to the service and the store, and what ends there comes
/// back by way of the host. Same seed and same inputs give the same outputs.
/// </summary>
public sealed partial class DhtDriver
{
    private readonly IDhtHost _host;
    private readonly IRecordStore? _store;
    private readonly IVoterLog? _voterLog;
    private readonly DhtContext _context;
    private readonly DhtClient _client;
    private DhtReplica? _replica;
    private readonly Queue<(long Token, Record? Record)> _readAtOnce = new();
    private IKbrService? _service;
    private bool _isClosed;

    /// <summary>Makes the driver; nothing happens before <see cref="Start"/>.</summary>
    /// <param name="self">The id of the node that the application is attached to.</param>
    /// <param name="options">Settings.</param>
    /// <param name="store">Where records are kept; null for a client.</param>
    /// <param name="host">Who drives it.</param>
    /// <param name="seed">Seed of its only source of randomness.</param>
    /// <param name="voterLog">
    /// Where a replica keeps what it promises about registers; null for one that takes no part in them.
    /// </param>
    /// <exception cref="ArgumentException">An option has a value out of its range.</exception>
    public DhtDriver(
        Key self,
        DhtNodeOptions options,
        IRecordStore? store,
        IDhtHost host,
        ulong seed,
        IVoterLog? voterLog = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(host);
        options.Validate();
        _store = store;
        _voterLog = store is null ? null : voterLog;
        _host = host;
        if (store is null)
        {
            _context = new DhtContext(self, options, this, seed);
        }
        else
        {
            var context = new ReplicaContext(self, options, this, store.Index, seed);
            _context = context;
            _replica = new DhtReplica(context);
        }

        _client = new DhtClient(_context);
    }

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline => _isClosed
        ? null
        : DhtTime.Earliest(
            DhtTime.Earliest(_client.NextDeadline, _context.Membership.NextDeadline),
            _replica?.NextDeadline);

    /// <summary>Number of operations that have not ended.</summary>
    public int OpenOperations => _client.Running;

    /// <summary>
    /// Whether a node that was told of its leaving has given others what they lack; at once for a client.
    /// </summary>
    public bool IsReadyToLeave => _isClosed || _replica is not { IsReadyToLeave: false };

    /// <summary>How the node is.</summary>
    public DhtNodeStatus Status => new(
        _context.Membership.IsMember || _context.Membership.Neighbours.Count > 0,
        [.. _context.Membership.Neighbours.Others],
        [.. _context.Membership.MissingMembers],
        _replica is { IsSettled: true },
        _replica is { IsReplicated: true },
        _replica?.Records ?? 0,
        [
            .. ((Trouble?[])[_context.Membership.Trouble(), VoterTrouble]).OfType<Trouble>(),
            .. _replica?.Troubles ?? [],
        ])
    {
        RefusedMessages = _replica?.RefusedMessages ?? 0,
        RefusedRecords = _replica?.RefusedRecords ?? 0,
    };

    /// <summary>
    /// Why there is no log of a voter although this node keeps records; null when that is meant.
    /// </summary>
    public string? VotingTrouble { get; init; }

    private Trouble? VoterTrouble =>
        (_voterLog?.Trouble ?? VotingTrouble) is { } text ? new Trouble(TroubleKinds.Disk, text) : null;

    /// <summary>What a replica does for registers; null where it takes no part.</summary>
    internal RegisterReplica? Registers => _replica?.Registers;

    /// <summary>What a host answers to a request while it cannot bring it in.</summary>
    /// <param name="text">Why, for people.</param>
    public static ReadOnlyMemory<byte> Busy(string text)
    {
        var buffer = new PayloadBuffer();
        CommonMessages.WriteBusy(buffer, text);
        return buffer.Written;
    }

    /// <summary>
    /// Whether a payload is one record for the most part, so that it pays to give it to the driver for good.
    /// </summary>
    public static bool IsRecord(ReadOnlySpan<byte> payload) => Decoding.IsRecord(payload);

    /// <summary>Takes up what the store holds; before the application is attached.</summary>
    public void Start()
    {
        if (_store is not null)
        {
            Begin();
            _replica!.Start(_store.ReadNote);
            if (_voterLog is not null)
            {
                _replica.StartVoting(_voterLog.Incarnation, _voterLog.TakeKept());
            }
        }
    }

    /// <summary>The application is attached; upcalls come from now on.</summary>
    /// <returns>The version of the neighbour set that is known now.</returns>
    public long Attach(IKbrService service)
    {
        ArgumentNullException.ThrowIfNull(service);
        _service = service;
        NeighbourSet first = service.Neighbours;
        HandleUpdate(new NeighbourChange(first, [.. first.Others], []));
        return first.Version;
    }

    /// <summary>Begins to write a record.</summary>
    /// <param name="put">What to write.</param>
    /// <param name="completed">Hears of its end.</param>
    /// <param name="draft">
    /// The value, of which a copy was made before this was the caller's turn; null: the one in the put, of
    /// which a copy is made now.
    /// </param>
    /// <returns>The operation's number, for <see cref="Abandon"/>; 0 for one that has ended.</returns>
    public long Put(DhtPut put, Action<OperationResult> completed, RecordDraft? draft = null) =>
        Begin() ? _client.Put(put, draft, completed) : Fail(completed);

    /// <summary>Begins to read a record.</summary>
    /// <returns>The operation's number, for <see cref="Abandon"/>; 0 for one that has ended.</returns>
    public long Get(DhtGet get, Action<OperationResult> completed) =>
        Begin() ? _client.Get(get, completed) : Fail(completed);

    /// <summary>Begins an operation on a register.</summary>
    /// <returns>The operation's number, for <see cref="Abandon"/>; 0 for one that has ended.</returns>
    public long Call(DhtRegisterCall call, Action<OperationResult> completed) =>
        Begin() ? _client.Call(call, completed) : Fail(completed);

    /// <summary>
    /// Nobody waits for an operation any more: it makes no further attempts and is not completed. What an
    /// attempt has sent may still be done.
    /// </summary>
    public void Abandon(long number)
    {
        if (Begin())
        {
            _client.Abandon(number);
        }
    }

    /// <summary>A message was delivered. Any content is handled, however wrong.</summary>
    /// <param name="delivery">The message.</param>
    /// <param name="isOwned">
    /// Whether nobody ever changes the payload, so that its record needs no copy; else it is valid during the
    /// call.
    /// </param>
    public void HandleDelivery(in KbrDelivery delivery, bool isOwned = false)
    {
        if (!Begin() || TryTellStatus(delivery) || TryDrain(delivery))
        {
            return;
        }

        _context.OwnedBytes = isOwned ? delivery.Payload.Length : 0;

        if (_replica is not null)
        {
            _replica.HandleDelivery(delivery);
            EndInput();
        }
        else if (delivery.Token.ExpectsReply)
        {
            _service!.Reply(delivery.Token, Busy("the ring is changing: no records are kept there"));
        }
    }

    /// <summary>The neighbour set changed.</summary>
    public void HandleUpdate(NeighbourChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (Begin())
        {
            _replica?.HandleUpdating();
            _context.Membership.HandleUpdate(_context.Now.Monotonic, AsSeenHere(change));
            _replica?.HandleUpdate();
            EndInput();
        }
    }

    /// <summary>A request ended.</summary>
    /// <param name="token">Which one.</param>
    /// <param name="reply">How.</param>
    /// <param name="isOwned">As for a delivery.</param>
    public void HandleReply(long token, in KbrReply reply, bool isOwned = false)
    {
        if (Begin())
        {
            _context.OwnedBytes = isOwned ? reply.Payload.Length : 0;
            _context.HandleReply(token, reply);
            EndInput();
        }
    }

    /// <summary>A write ended.</summary>
    public void HandleWritten(long token, StoreOutcome outcome)
    {
        if (Begin())
        {
            _replica?.HandleWritten(token, outcome);
            EndInput();
        }
    }

    /// <summary>A sync of the voter's log ended.</summary>
    public void HandleSynced(bool isDurable)
    {
        if (Begin())
        {
            _replica?.Registers?.HandleSynced(isDurable);
            EndInput();
        }
    }

    /// <summary>A read ended; null when there is no record, or none that is intact.</summary>
    public void HandleRead(long token, Record? record)
    {
        if (Begin())
        {
            _replica?.HandleRead(token, record);
            EndInput();
        }
    }

    /// <summary>
    /// The store found that a record is damaged, and holds it no more: it is to be had from the replicas.
    /// </summary>
    public void HandleDamage(Holding lost)
    {
        if (Begin())
        {
            _replica?.HandleDamage(lost);
            EndInput();
        }
    }

    /// <summary>The deadline has passed.</summary>
    public void HandleDeadline()
    {
        if (!Begin())
        {
            return;
        }

        _client.HandleDeadline();
        if (_context.Membership.HandleDeadline(_context.Now.Monotonic))
        {
            _replica?.HandleUpdate();
        }

        _replica?.HandleDeadline();
        EndInput();
    }

    /// <summary>
    /// The node is going to leave: gives others what they lack, and serves meanwhile. See
    /// <see cref="IsReadyToLeave"/>.
    /// </summary>
    public void BeginLeaving()
    {
        if (Begin())
        {
            _replica?.BeginLeaving();
            EndInput();
        }
    }

    /// <summary>Ends all operations and keeps what has to be kept; nothing goes in or out any more.</summary>
    public void Close()
    {
        if (Begin())
        {
            _client.Close();
            _replica?.Close();
            _isClosed = true;
        }
    }

    /// <summary>An input begins; false when none are taken any more.</summary>
    private bool Begin()
    {
        if (!_isClosed)
        {
            _context.Now = _host.Now;
            _context.OwnedBytes = 0;
        }

        return !_isClosed;
    }

    /// <summary>
    /// What was read at once while the input was handled is brought in behind it, without another turn.
    /// </summary>
    private void EndInput()
    {
        while (_readAtOnce.TryDequeue(out (long Token, Record? Record) read))
        {
            _replica?.HandleRead(read.Token, read.Record);
        }

        _replica?.EndInput();
        _replica?.Registers?.Settle();
    }

    private static long Fail(Action<OperationResult> completed)
    {
        completed(new OperationResult { Failure = new DhtFailure(DhtError.Local, "The DHT is closed.") });
        return 0;
    }

    /// <summary>
    /// Clients of a node ask the member that is attached to the same node how it is: their own view knows
    /// nothing of records. It is a matter between processes of one host, so nobody else is told.
    /// </summary>
    private bool TryTellStatus(in KbrDelivery delivery)
    {
        if (!delivery.IsSourceProven || delivery.Source != _service!.NodeId
            || !StatusMessage.IsQuestion(delivery.Payload.Span))
        {
            return false;
        }

        _service.Reply(delivery.Token, new StatusMessage(Status, _store?.Status).Encode());
        return true;
    }

    /// <summary>
    /// A client of a node that is a member is told the node's neighbours, but is no member itself.
    /// </summary>
    private NeighbourChange AsSeenHere(NeighbourChange change) => _store is null && change.Neighbours.IsMember
        ? change with
        {
            Neighbours = new NeighbourSet(
                change.Neighbours.Self,
                isMember: false,
                change.Neighbours.Clockwise,
                change.Neighbours.CounterClockwise,
                change.Neighbours.Version,
                change.Neighbours.IsAlone),
        }
        : change;
}
