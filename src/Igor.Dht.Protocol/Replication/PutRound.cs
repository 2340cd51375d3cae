using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// One put at its root, from the first write until every replica has answered. The root's own copy counts
/// like any other: a root whose disk is full acknowledges what enough others hold, and from then on does not
/// speak for the key alone. A put that finds a newer version in place may have been done before, by an
/// attempt whose answer was lost: then it is done, and nothing is to be put in the place of the newer one.
/// </summary>
internal sealed class PutRound : IReplyHandler, IWriteHandler, IReadHandler
{
    private const int OwnTag = -1;
    private static readonly TimeSpan StoreTimeoutMax = TimeSpan.FromSeconds(3);

    private readonly ReplicaContext _context;
    private readonly RootWriter _writer;
    private readonly DeliveryToken _token;
    private readonly AckLevel _acks;
    private readonly int _copiesMin;
    private Record _record;
    private readonly Lease _lease;
    private readonly TimeSpan _timeout;
    private readonly PutHistory _history;
    private readonly FewCopiesNotice _notice;
    private readonly List<PutTarget> _targets = new(RecordCodec.ReplicasMax);
    private int _outstanding;
    private bool _isSending;
    private bool _hasAnswered;
    private RecordVersion _newer;
    private Key _newerAt;

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
        _history = new PutHistory(context, record.Header, message.FormerNames);
        _notice = writer.Notice(record.Header, HandleNotice);
    }

    /// <summary>What is to be written.</summary>
    public RecordHeader Header => _record.Header;

    /// <summary>Writes here and sends to the others.</summary>
    public void Start()
    {
        _targets.Add(new PutTarget(_context.Membership.Self));
        _outstanding++;
        _notice.Begin(_timeout);
        _outstanding += _notice.IsUnderWay ? 1 : 0;
        RecordVersion held = _context.Ranks.Presumed(_context.Index.VersionOf(Header.Key));
        bool isFirst = held < Header.Version && !_history.HasFormerNames;
        if (!isFirst && IsConfirmedByNewer)
        {
            SendToReplicas();
            SettleOwn(StoredStatus.Held);
        }
        else if (isFirst && (IsConfirmedByNewer || _writer.HasHeard(Header.Key)))
        {
            Begin(held);
        }
        else if (!isFirst && (held == Header.Version || _writer.Knows(Header.Key)))
        {
            _context.Read(this, OwnTag, Header.Key);
        }
        else
        {
            _outstanding++;
            _history.AskNear(_timeout, HandleNear);
        }
    }

    /// <summary>Whether the writer is told that it was too late.</summary>
    public bool IsOutrun { get; private set; }

    /// <summary>The ring changed.</summary>
    public void HandleUpdate()
    {
        if (_isSending && !_hasAnswered && _context.Membership.IsMember)
        {
            SendToReplicas();
        }
    }

    /// <inheritdoc/>
    public void HandleWritten(int tag, StoredStatus status)
    {
        if (status == StoredStatus.Newer)
        {
            (_newer, _newerAt) = (_context.Ranks.Held(Header.Key), _context.Membership.Self);
        }

        SettleOwn(status);
    }

    /// <inheritdoc/>
    public void HandleRead(int tag, Record? record)
    {
        _record = _history.Recall(_record, record);
        RecordVersion held = _context.Ranks.Presumed(record?.Header.Version ?? RecordVersion.None);
        if (_history.Past == PutPast.Outrun)
        {
            (_newer, _newerAt) = (_history.Newest, _context.Membership.Self);
            SettleOwn(StoredStatus.Newer); // so it is not written: others have a newer one
        }
        else if (record is null || held < Header.Version)
        {
            Begin(held);
        }
        else if (record.Header.Version == Header.Version)
        {
            _record = record; // to the byte what others have
            SendToReplicas();
            SettleOwn(StoredStatus.Held);
        }
        else
        {
            (_newer, _newerAt) = (record.Header.Version, _context.Membership.Self);
            _history.Judge(record);
            if (IsConfirmedByNewer)
            {
                SendToReplicas();
            }

            SettleOwn(StoredStatus.Newer);
        }
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        string trouble = StoredAnswer.Read(reply, out StoredEntry? entry);
        Settle(tag, entry, trouble);
    }

    /// <summary>
    /// Whether who holds a newer version holds what was to be written: by the record's type, or since the
    /// put was done before and the newer one took its place.
    /// </summary>
    private bool IsConfirmedByNewer => _history.Past == PutPast.Applied || _history.IsOfNoMatter;

    /// <summary>
    /// Whether the record is on a majority of those that are to hold it, who are this root's, and where these
    /// are few a majority knows of such: then any later root and any reader finds it.
    /// </summary>
    private bool IsOnMajority => _writer.IsMajority(Header.Key, Header.Replicas, IsCounted)
        && _notice.IsKnown(IsCounted);

    /// <summary>
    /// Whether that may still become so, and the writer did not say that it is content with less.
    /// </summary>
    private bool IsMajorityAwaited => Needed() >= _context.Membership.Majority(Header.Replicas)
        && _writer.IsMajority(Header.Key, Header.Replicas, IsAwaited)
        && (_notice.IsUnderWay || _notice.IsKnown(IsAwaited));

    /// <summary>
    /// Whether it is here, and some have a newer version that does not know it: one of two that did not know
    /// of one another. It is done, but only those who hold it itself bear out that it was done last.
    /// </summary>
    private bool IsOvertaken => _history.Past == PutPast.Outrun && _targets[0].Status == StoredStatus.Held;

    private bool IsOutrunSoFar => _newer > Header.Version && !IsConfirmedByNewer;

    private void Begin(RecordVersion held)
    {
        _record = _history.Name(_record, held);
        SendToReplicas();
        _context.Write(this, OwnTag, _record, isPut: true);
    }

    private void SettleOwn(StoredStatus status) => Settle(
        0,
        new StoredEntry(
            status,
            status == StoredStatus.Newer ? _newer : Header.Version,
            IsApart: !_writer.IsServed(Header.Key)),
        StoredAnswer.Explain(status));

    private void SendToReplicas()
    {
        _isSending = true;
        Span<Key> replicas = stackalloc Key[2 * RecordCodec.ReplicasMax];
        int count = _context.Membership.Takers(Header.Key, Header.Replicas, replicas);
        ReplicaMessages.WriteStore(_context.Buffer, isCoordinated: true, [_record]);
        for (int at = 0; at < count; at++)
        {
            Key replica = replicas[at];
            if (_targets.Exists(t => t.Id == replica))
            {
                continue;
            }

            _targets.Add(new PutTarget(replica));
            _outstanding++;
            _context.Request(this, _targets.Count - 1, replica, exact: true, _timeout);
        }
    }

    private void Settle(int index, StoredEntry? entry, string trouble)
    {
        _outstanding--;
        StoredStatus status = entry is { } answer ? Judge(answer, _targets[index].Id) : StoredStatus.Failed;
        PutTarget target = _targets[index];
        target.Status = status;
        target.IsApart = entry is { IsApart: true };
        target.HasAnswered = entry is not null;
        if (status is not (StoredStatus.Held or StoredStatus.Newer))
        {
            target.Trouble = trouble;
        }

        if (index == 0 && target.Status == StoredStatus.Held)
        {
            _context.Unsettled.Begin(Header.Key, Header.Version);
            _history.NoteDone();
        }

        Proceed();
    }

    private void Proceed()
    {
        if (_targets[0].Status is not null && IsOnMajority)
        {
            _context.Unsettled.Confirm(Header.Key, Header.Version);
            _history.NoteOnMajority();
        }

        if (!_hasAnswered)
        {
            Answer();
            if (_hasAnswered)
            {
                _writer.HandleAnswered(this);
            }
        }

        if (_outstanding == 0)
        {
            _context.Unsettled.End(Header.Key, Header.Version);
            _lease.End();
            _writer.End(this, _targets.Where(t => !IsProof(t)).Select(t => t.Id));
        }
    }

    /// <summary>
    /// What an answer means. A newer version is one only if a writer can have made it: else one replica could
    /// end all writes of a key.
    /// </summary>
    private StoredStatus Judge(StoredEntry entry, Key replica)
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

        if (entry.Version > _newer)
        {
            (_newer, _newerAt) = (entry.Version, replica);
        }

        return StoredStatus.Newer;
    }

    private void HandleNotice()
    {
        _outstanding -= _notice.IsUnderWay ? 0 : 1;
        Proceed();
    }

    private void HandleNear()
    {
        _outstanding--;
        _context.Read(this, OwnTag, Header.Key);
    }

    private void HandleHistory()
    {
        _outstanding--;
        Proceed();
    }

    /// <summary>Answers the caller when there is something to say.</summary>
    private void Answer()
    {
        StoredStatus? own = _targets[0].Status;
        _hasAnswered = true;
        if (IsOutrunSoFar && _history.Past == PutPast.Unknown)
        {
            bool isWaited = _history.Ask(_newerAt, !_writer.Knows(Header.Key), _timeout, HandleHistory);
            _outstanding += isWaited ? 1 : 0;
        }

        bool isOutrun = IsOutrunSoFar;
        if (isOutrun && (_history.Past == PutPast.Asked || own is null))
        {
            _hasAnswered = false;
        }
        else if (isOutrun && _history.Past == PutPast.Lost)
        {
            _context.Defer(_token, "a newer version cannot be read there");
        }
        else if (isOutrun && !IsOvertaken)
        {
            IsOutrun = _history.IsRecent;
            CommonMessages.WriteConflict(_context.Buffer, _newer);
            _context.Reply(_token);
        }
        else if (own == StoredStatus.Busy)
        {
            _context.Defer(_token, "too much waits for its disk already; try again in a moment");
        }
        else if (own is not null && HeldCount() >= Needed() && (IsOnMajority || !IsMajorityAwaited))
        {
            if (!IsHeldBy(_targets[0]))
            {
                // Others hold what this root does not: until it does, its own word is not enough.
                _context.HandleLacking(Header);
            }

            bool isMerged = _newer > Header.Version && _history.Past != PutPast.Applied && !IsOvertaken;
            RecordVersion version = isMerged ? _newer : Header.Version;
            new PutDoneMessage(version, Known(), Holders(), !IsOnMajority).Write(_context.Buffer);
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
            string why = PutTarget.Explain(_targets, Needed(), _context.Membership.Expected.Count);
            new NotEnoughMessage(Needed(), Holders(), why).Write(_context.Buffer);
            _context.Reply(_token);
        }
    }

    private int Known() => Math.Min(Header.Replicas, _context.Membership.Expected.Count);

    private int Needed() => CopiesNeeded.Of(_acks, _copiesMin, Header.Replicas, Known());

    private bool IsProof(PutTarget target) => target.Status == StoredStatus.Held
        || (target.Status == StoredStatus.Newer && IsConfirmedByNewer);

    private bool IsHeldBy(PutTarget target) =>
        IsProof(target) || (target.Status == StoredStatus.Newer && IsOvertaken);

    private bool IsCounted(Key id) => _targets.Exists(t => t.Id == id && IsProof(t) && !t.IsApart);

    private bool IsAwaited(Key id) =>
        IsCounted(id) || _targets.Exists(t => t.Id == id && t.Status is null);

    private int HeldCount() => _targets.Count(IsHeldBy);

    private List<Key> Holders() => [.. _targets.Where(IsHeldBy).Select(target => target.Id)];
}
