using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// One put at its root, from the first write until every replica has answered. The root's own copy counts
/// like any other: a root whose disk is full acknowledges what enough others hold, and from then on does not
/// speak for the key alone.
/// </summary>
internal sealed class PutRound : IReplyHandler, IWriteHandler
{
    private const int OwnTag = -1;
    private static readonly TimeSpan StoreTimeoutMax = TimeSpan.FromSeconds(3);

    private readonly ReplicaContext _context;
    private readonly RootWriter _writer;
    private readonly DeliveryToken _token;
    private readonly AckLevel _acks;
    private readonly int _copiesMin;
    private readonly Record _record;
    private readonly Lease _lease;
    private readonly TimeSpan _timeout;
    private readonly List<Target> _targets = new(RecordCodec.ReplicasMax);
    private int _outstanding;
    private bool _hasAnswered;
    private RecordVersion _newer;

    public PutRound(
        ReplicaContext context,
        RootWriter writer,
        DeliveryToken token,
        PutMessage message,
        Record record,
        Lease lease)
    {
        _lease = lease;
        _context = context;
        _writer = writer;
        _token = token;
        _acks = message.Acks;
        _copiesMin = message.CopiesMin;
        _record = record;
        TimeSpan timeout = message.Budget * 0.75;
        _timeout = timeout < StoreTimeoutMax ? timeout : StoreTimeoutMax;
    }

    private RecordHeader Header => _record.Header;

    /// <summary>Writes here and sends to the others.</summary>
    public void Start()
    {
        _targets.Add(new Target(_context.Membership.Self));
        RecordVersion held = _context.Ranks.Presumed(_context.Index.VersionOf(Header.Key));
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
            _context.Write(this, OwnTag, _record, isPut: true);
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
            _newer = _context.Ranks.Held(Header.Key);
        }

        SettleOwn(status);
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        StoredEntry? entry = null;
        string trouble = reply.Status switch
        {
            KbrStatus.Ok => Read(reply.Payload, out entry),
            KbrStatus.Timeout => "did not answer in time",
            _ => "cannot be reached",
        };
        Settle(tag, entry, trouble);
    }

    private bool NewerConfirms() => _context.Options.Types.Find(Header.Type)!.NewerConfirmsOlder;

    private void SettleOwn(StoredStatus status) => Settle(
        0,
        new StoredEntry(status, status == StoredStatus.Newer ? _newer : Header.Version),
        Explain(status));

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

    /// <summary>Reads a replica's answer; returns what it means when the record is not held there.</summary>
    private static string Read(ReadOnlyMemory<byte> payload, out StoredEntry? entry)
    {
        entry = null;
        Decoding.TryReadKind(payload, out MessageKind kind, out string fault);
        switch (kind)
        {
            case MessageKind.Stored
                when Decoding.TryRead(payload, ReplicaMessages.ReadStored, out var entries, out fault):
                entry = entries is [StoredEntry stored] ? stored : null;
                return entry is { } one ? Explain(one.Status) : "gave an answer of another kind";
            case MessageKind.Refused
                when Decoding.TryRead(payload, CommonMessages.ReadRefused, out var refused, out fault):
                return "refuses: " + refused.Text;
            case MessageKind.Busy
                when Decoding.TryRead(payload, MessageParts.ReadText, out var text, out fault):
                return "is busy: " + text;
            default:
                return fault.Length > 0
                    ? "sent a malformed answer: " + fault
                    : "gave an answer of another kind";
        }
    }

    private static string Explain(StoredStatus status) => status switch
    {
        StoredStatus.OverQuota => "has no room left under its quota",
        StoredStatus.NotRoot => "knows a nearer root",
        StoredStatus.Busy => "has too much waiting for its disk",
        StoredStatus.Refused => "does not accept the record",
        _ => "could not store it: its disk is full or failed",
    };

    private void Settle(int index, StoredEntry? entry, string trouble)
    {
        _outstanding--;
        StoredStatus status = entry is { } answer ? Judge(answer) : StoredStatus.Failed;
        Target target = _targets[index];
        target.Status = status;
        target.HasAnswered = entry is not null;
        if (status is not (StoredStatus.Held or StoredStatus.Newer))
        {
            target.Trouble = trouble;
        }

        if (index == 0 && target.Status == StoredStatus.Held)
        {
            _context.Unsettled.Begin(Header.Key, Header.Version);
        }

        if (target.Status == StoredStatus.Held
            && HeldCount() >= _context.Membership.Majority(Header.Replicas))
        {
            _context.Unsettled.Confirm(Header.Key, Header.Version);
        }

        if (!_hasAnswered)
        {
            Answer();
        }

        if (_outstanding == 0)
        {
            _context.Unsettled.End(Header.Key, Header.Version);
            _lease.End();
            _writer.End(this, _targets.Where(t => t.Status != StoredStatus.Held).Select(t => t.Id));
        }
    }

    /// <summary>
    /// What an answer means. A newer version is one only if a writer can have made it: else one replica could
    /// end all writes of a key.
    /// </summary>
    private StoredStatus Judge(StoredEntry entry)
    {
        if (entry.Status != StoredStatus.Newer)
        {
            return entry.Status;
        }

        RecordHeader claimed = Header with { Version = entry.Version };
        if (_context.Judge.TimeOf(claimed, _context.Now.UnixMs) is not null)
        {
            return StoredStatus.Refused;
        }

        _newer = entry.Version > _newer ? entry.Version : _newer;
        return NewerConfirms() ? StoredStatus.Held : StoredStatus.Newer;
    }

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
        else if (own == StoredStatus.Busy)
        {
            _context.Defer(_token, "too much waits for its disk already; try again in a moment");
        }
        else if (own is not null && HeldCount() >= Needed())
        {
            if (own != StoredStatus.Held)
            {
                // Others hold what this root does not: until it does, its own word is not enough.
                _context.HandleLacking(Header);
            }

            RecordVersion version = _newer > Header.Version ? _newer : Header.Version;
            new PutDoneMessage(version, Known(), Holders()).Write(_context.Buffer);
            _context.Reply(_token);
        }
        else if (_outstanding == 0)
        {
            AnswerTooFew(own);
        }
        else
        {
            _hasAnswered = false;
        }
    }

    private void AnswerTooFew(StoredStatus? own)
    {
        // Who did not answer may have room and hold it, so that no more is known than that they are too few.
        bool isNowhere = HeldCount() == 0 && _targets.TrueForAll(t => t.HasAnswered);
        if (isNowhere && own == StoredStatus.OverQuota)
        {
            _context.Refuse(
                _token, RefusalReason.Quota, "the quota of its store leaves no room for the record");
        }
        else if (isNowhere && own == StoredStatus.Failed)
        {
            _context.Refuse(_token, RefusalReason.Disk, "its disk is full or failed; 'status' says more");
        }
        else
        {
            new NotEnoughMessage(Needed(), Holders(), WhyTooFew()).Write(_context.Buffer);
            _context.Reply(_token);
        }
    }

    private string WhyTooFew()
    {
        int known = _context.Membership.Expected.Count;
        IEnumerable<string> why = _targets
            .Where(t => t.Trouble is not null)
            .Select(t => $"node {t.Id.ToShortString()} {t.Trouble}");
        if (_targets.Count < Needed())
        {
            why = why.Prepend(known == 1 ? "the ring has one member" : $"{known} members are known, "
                + $"{_targets.Count} of them near the key can be reached");
        }

        return string.Join("; ", why.DefaultIfEmpty("the ring is changing"));
    }

    private int Known() => Math.Min(Header.Replicas, _context.Membership.Expected.Count);

    private int Needed() => CopiesNeeded.Of(_acks, _copiesMin, Header.Replicas, Known());

    private int HeldCount()
    {
        int held = 0;
        foreach (Target target in _targets)
        {
            held += target.Status == StoredStatus.Held ? 1 : 0;
        }

        return held;
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

        /// <summary>Whether it said itself what became of the record.</summary>
        public bool HasAnswered { get; set; }

        /// <summary>Why it does not hold the record, for people.</summary>
        public string? Trouble { get; set; }
    }
}
