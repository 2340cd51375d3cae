using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol;

/// <summary>One put at its root, from the first write until every replica has answered.</summary>
internal sealed class PutRound : IReplyHandler, IWriteHandler
{
    private const int OwnTag = -1;
    private static readonly TimeSpan StoreTimeoutMax = TimeSpan.FromSeconds(3);

    private readonly DhtContext _context;
    private readonly Coordinator _coordinator;
    private readonly DeliveryToken _token;
    private readonly AckLevel _acks;
    private readonly Record _record;
    private readonly TimeSpan _timeout;
    private readonly List<Target> _targets = new(RecordCodec.ReplicasMax);
    private int _outstanding;
    private bool _hasAnswered;
    private RecordVersion _newer;
    private string _trouble = string.Empty;

    public PutRound(
        DhtContext context,
        Coordinator coordinator,
        DeliveryToken token,
        AckLevel acks,
        TimeSpan budget,
        Record record)
    {
        _context = context;
        _coordinator = coordinator;
        _token = token;
        _acks = acks;
        _record = record;
        _timeout = budget * 0.75 < StoreTimeoutMax ? budget * 0.75 : StoreTimeoutMax;
    }

    private RecordHeader Header => _record.Header;

    /// <summary>Writes here and sends to the others.</summary>
    public void Start()
    {
        _targets.Add(new Target(_context.Membership.Self));
        RecordVersion held = _context.Index.VersionOf(Header.Key);
        if (held > Header.Version && !NewerConfirms())
        {
            _newer = held;
            _outstanding++;
            SettleOwn(StoredStatus.Newer);
            return;
        }

        _outstanding++;
        SendToReplicas();
        if (held >= Header.Version)
        {
            SettleOwn(StoredStatus.Held);
        }
        else
        {
            _context.Write(this, OwnTag, _record);
        }
    }

    /// <summary>The ring changed.</summary>
    public void HandleUpdate()
    {
        if (!_hasAnswered && _context.Membership.IsMember)
        {
            SendToReplicas();
        }
    }

    /// <inheritdoc/>
    public void HandleWritten(int tag, StoredStatus status)
    {
        if (status == StoredStatus.Newer)
        {
            _newer = _context.Index.VersionOf(Header.Key);
        }

        SettleOwn(status);
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        Settle(tag, reply.Status == KbrStatus.Ok ? Read(reply.Payload) : null);
    }

    private bool NewerConfirms() => _context.Options.Types.Find(Header.Type)!.NewerConfirmsOlder;

    private void SettleOwn(StoredStatus status) =>
        Settle(0, new StoredEntry(status, status == StoredStatus.Newer ? _newer : Header.Version));

    private void SendToReplicas()
    {
        Span<Key> replicas = stackalloc Key[RecordCodec.ReplicasMax];
        int count = _context.Membership.Alive.Nearest(Header.Key, replicas[..Header.Replicas]);
        bool isWritten = false;
        for (int at = 0; at < count; at++)
        {
            Key replica = replicas[at];
            if (_targets.Exists(t => t.Id == replica))
            {
                continue;
            }

            if (!isWritten)
            {
                ReplicaMessages.WriteStore(_context.Buffer, isCoordinated: true, [_record]);
                isWritten = true;
            }

            _targets.Add(new Target(replica));
            _outstanding++;
            _context.Request(this, _targets.Count - 1, replica, exact: true, _timeout);
        }
    }

    private StoredEntry? Read(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var reader = new MessagePackReader(payload);
            if (CommonMessages.ReadKind(ref reader) == MessageKind.Stored
                && ReplicaMessages.ReadStored(ref reader) is [StoredEntry entry])
            {
                return entry;
            }
        }
        catch (Exception e) when (CommonMessages.IsMalformed(e))
        {
            _trouble = "a replica sent a malformed answer: " + e.Message;
        }

        return null;
    }

    private void Settle(int index, StoredEntry? entry)
    {
        _outstanding--;
        StoredStatus status = entry?.Status ?? StoredStatus.Failed;
        if (status == StoredStatus.Newer && entry!.Value.Version > _newer)
        {
            _newer = entry.Value.Version;
        }

        if (status == StoredStatus.Newer && NewerConfirms())
        {
            status = StoredStatus.Held;
        }

        Target target = _targets[index];
        target.Status = status;
        if (status is not (StoredStatus.Held or StoredStatus.Newer))
        {
            _trouble = $"node {target.Id.ToShortString()} {Explain(status)}";
        }

        if (!_hasAnswered)
        {
            Answer();
        }

        if (_outstanding == 0)
        {
            _coordinator.End(this, _targets.Where(t => t.Status != StoredStatus.Held).Select(t => t.Id));
        }
    }

    private static string Explain(StoredStatus status) => status switch
    {
        StoredStatus.OverQuota => "has no room left under its quota",
        StoredStatus.NotRoot => "knows a nearer root",
        StoredStatus.Busy => "has too much waiting for its disk",
        _ => "could not store it",
    };

    /// <summary>Answers the caller when there is something to say.</summary>
    private void Answer()
    {
        StoredStatus? own = _targets[0].Status;
        _hasAnswered = true;
        if (_newer > Header.Version && !NewerConfirms())
        {
            CommonMessages.WriteConflict(_context.Buffer, _newer);
            _context.Reply(_token);
        }
        else if (own == StoredStatus.OverQuota)
        {
            _context.Refuse(
                _token, RefusalReason.Quota, "the quota of its store leaves no room for the record");
        }
        else if (own == StoredStatus.Busy)
        {
            _context.Defer(_token, "too much waits for its disk already; try again in a moment");
        }
        else if (own == StoredStatus.Failed)
        {
            _context.Refuse(_token, RefusalReason.Disk, "its disk is full or failed; 'status' says more");
        }
        else if (own == StoredStatus.Held && IsEnough())
        {
            RecordVersion version = _newer > Header.Version ? _newer : Header.Version;
            new PutDoneMessage(version, Wanted(), Holders()).Write(_context.Buffer);
            _context.Reply(_token);
        }
        else if (_outstanding == 0)
        {
            string text = $"{Holders().Count} of {Wanted()} hold it, {_acks} is asked for";
            text += _trouble.Length > 0 ? "; " + _trouble : string.Empty;
            new NotEnoughMessage(Wanted(), Holders(), text).Write(_context.Buffer);
            _context.Reply(_token);
        }
        else
        {
            _hasAnswered = false;
        }
    }

    private int Wanted() => Math.Min(Header.Replicas, _context.Membership.Expected.Count);

    private bool IsEnough()
    {
        int held = 0;
        foreach (Target target in _targets)
        {
            held += target.Status == StoredStatus.Held ? 1 : 0;
        }

        return _acks switch
        {
            AckLevel.One => true,
            AckLevel.Quorum => held >= _context.Membership.Majority(Header.Replicas),
            _ => held >= Math.Min(Header.Replicas, _context.Membership.Alive.Count),
        };
    }

    private List<Key> Holders()
    {
        var holders = new List<Key>(_targets.Count);
        foreach (Target target in _targets)
        {
            if (target.Status == StoredStatus.Held)
            {
                holders.Add(target.Id);
            }
        }

        return holders;
    }

    private sealed class Target(Key id)
    {
        public Key Id { get; } = id;

        /// <summary>Null while its answer is waited for.</summary>
        public StoredStatus? Status { get; set; }
    }
}
