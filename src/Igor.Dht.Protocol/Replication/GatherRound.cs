using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// A get for which the root asks the members near the key. It ends as soon as a majority of the replicas that
/// are expected has answered with a vote, or when all have answered or failed. The newest record wins. Before
/// it is told unmarked it is here and on a majority of its replicas, which give their word about the key to
/// this root: what was read is not read older later.
/// </summary>
internal sealed class GatherRound : IReplyHandler, IReadHandler, IWriteHandler
{
    private static readonly TimeSpan TimeoutMax = TimeSpan.FromSeconds(3); // as patient as a put

    private readonly ReplicaContext _context;
    private readonly RootReader _reader;
    private readonly DeliveryToken _token;
    private readonly GetMessage _message;
    private readonly List<Key> _asked = new(Neighbourhood.Members);
    private readonly Key[] _expected;
    private readonly int _replicas = Neighbourhood.Replicas;
    private readonly List<Key> _voters = new(Neighbourhood.Members);
    private readonly RecordVersion _own;
    private readonly Lease _lease;
    private readonly int _ownBytes;
    private readonly bool _knows;

    /// <summary>Members that hold the newest version, or a newer one still.</summary>
    private readonly List<Key> _holders = new(Neighbourhood.Members);
    private Record? _best;
    private FewCopiesNotice? _notice;
    private int _fewest = Neighbourhood.Replicas;
    private int _outstanding;
    private bool _isDecided;
    private bool _hasAnswered;
    private bool _isOwnDone;
    private int _storing;

    public GatherRound(
        ReplicaContext context, RootReader reader, DeliveryToken token, GetMessage message, Lease lease)
    {
        _lease = lease;
        _context = context;
        _reader = reader;
        _token = token;
        _message = message;
        _knows = reader.Knows(message.Key);
        if (context.Index.TryGet(message.Key, out Holding holding))
        {
            _replicas = holding.Replicas;
            _own = context.Ranks.Of(holding.Version);
            _ownBytes = holding.ValueLength + RecordCodec.OverheadBytesMax;
        }

        Span<Key> expected = stackalloc Key[Math.Max(_replicas, Neighbourhood.Replicas)];
        _expected = expected[..context.Membership.Expected.Nearest(message.Key, expected)].ToArray();
    }

    /// <summary>
    /// Whether a majority of the replicas has answered with a vote; and of fewer too, if there are records
    /// that ask for fewer, as this node or a voter knows. A node that is alone knows of no majority.
    /// </summary>
    private bool IsFull
    {
        get
        {
            bool isFull = _reader.IsMajority(_message.Key, _replicas, _voters.Contains);
            int fewest = Math.Min(_fewest, _context.FewestReplicas);
            for (int fewer = fewest; isFull && fewer < Neighbourhood.Replicas; fewer++)
            {
                isFull = _reader.IsMajority(_message.Key, fewer, _voters.Contains);
            }

            return isFull;
        }
    }

    /// <summary>Asks.</summary>
    public void Start()
    {
        Key self = _context.Membership.Self;
        if (_reader.HasVote(_message.Key))
        {
            _voters.Add(self);
        }

        Span<Key> near = stackalloc Key[Neighbourhood.Members];
        int count = _context.Membership.Alive.Nearest(_message.Key, near);
        ReplicaMessages.WriteFetch(_context.Buffer, isAsRoot: true, [new KeyVersion(_message.Key, _own)]);
        TimeSpan timeout = _message.Budget * 0.75;
        timeout = timeout < TimeoutMax ? timeout : TimeoutMax;
        for (int at = 0; at < count; at++)
        {
            if (near[at] != self)
            {
                _asked.Add(near[at]);
                _outstanding++;
                _context.Request(this, _asked.Count - 1, near[at], exact: true, timeout);
            }
        }

        DecideWhenReady();
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        if (tag < 0)
        {
            HandleStored(_asked[~tag], reply);
            return;
        }

        _outstanding--;
        if (_isDecided)
        {
            return;
        }

        if (reply.Status == KbrStatus.Ok)
        {
            Read(_asked[tag], reply.Payload);
        }

        DecideWhenReady();
    }

    /// <inheritdoc/>
    public void HandleRead(int tag, Record? record)
    {
        if (record is null)
        {
            // Our own is damaged, and the others sent only what is newer: ask anew, as one who has nothing.
            _reader.End();
            _reader.Gather(_token, _message, _lease);
        }
        else
        {
            Take(record, _context.Membership.Self, IsApart);
            Settle(_best);
        }
    }

    /// <inheritdoc/>
    public void HandleWritten(int tag, StoredStatus status)
    {
        if (status is StoredStatus.Held or StoredStatus.Newer)
        {
            if (!IsApart)
            {
                _holders.Add(_context.Membership.Self);
            }

            if (status == StoredStatus.Held)
            {
                _reader.HandleLearned();
            }
        }
        else
        {
            _context.HandleLacking(_best!.Header);
        }

        _isOwnDone = true;
        _storing--;
        AnswerWhenSettled();
    }

    private bool IsApart => !_reader.IsServed(_message.Key);

    private RecordVersion RankOf(Record record) => _context.Ranks.Of(record.Header.Version);

    private Record Newer(Record left, Record right) => RankOf(left) == RankOf(right)
        ? RecordTypes.Merge(left, right)
        : RankOf(left) > RankOf(right) ? left : right;

    private int VotesOf(int replicas) => _expected.Take(replicas).Count(_voters.Contains);

    /// <summary>Takes an answer; one that is none does not count.</summary>
    private void Read(Key source, ReadOnlyMemory<byte> payload)
    {
        if (!Decoding.TryRead(
                payload, MessageKind.Fetched, ReplicaMessages.ReadFetched, out var entries)
            || entries is not [FetchedEntry entry])
        {
            return;
        }

        if (entry.Status == FetchedStatus.Record)
        {
            Record? record = RecordCodec.TryDecode(_context.Own(entry.Record), out _);
            if (record is null || record.Header.Key != _message.Key
                || _context.FaultOf(record) is { Reason: not RefusalReason.Version })
            {
                return;
            }

            if (!_lease.TryAdd(record.Encoded.Length))
            {
                Decline();
                return;
            }

            // One from the future is read when there is no other, and is not kept.
            Take(record, source, entry.IsApart);
        }
        else if (entry.Status == FetchedStatus.Same && _best is null && !entry.IsApart)
        {
            _holders.Add(source);
        }

        if (entry.HasVote || (_knows && !entry.IsApart))
        {
            _fewest = entry.HasVote ? Math.Min(_fewest, entry.VotesFrom) : _fewest;
            _voters.Add(source);
        }
    }

    private void Take(Record record, Key source, bool isApart)
    {
        RecordVersion best = _best is null ? _own : RankOf(_best);
        if (RankOf(record) > best)
        {
            _holders.Clear();
        }

        if (RankOf(record) >= best && !isApart)
        {
            _holders.Add(source);
        }

        _best = _best is null ? record : Newer(_best, record);
    }

    private void DecideWhenReady()
    {
        if (_isDecided || (!IsFull && _outstanding > 0))
        {
            return;
        }

        _isDecided = true;
        if (_own > (_best is null ? RecordVersion.None : RankOf(_best)))
        {
            if (_lease.TryAdd(_ownBytes))
            {
                _context.Read(this, 0, _message.Key);
            }
            else
            {
                Decline();
            }
        }
        else
        {
            Settle(_best);
        }
    }

    /// <summary>There is no memory for the answer.</summary>
    private void Decline()
    {
        _isDecided = true;
        _best = null;
        _lease.End();
        _context.DeferForRoom(_token);
        _reader.End();
    }

    /// <summary>
    /// What was found is told at once when it cannot be read older later, or has to be marked anyway; else
    /// when it has been written where it is missing.
    /// </summary>
    private void Settle(Record? best)
    {
        _best = best;
        bool isKept = best is not null && _context.Judge.FaultOf(best, _context.Now.UnixMs) is null;
        _isOwnDone = !isKept || RankOf(best!) <= _own;
        if (!_isOwnDone)
        {
            _storing++;
            _context.Write(this, 0, best!);
        }

        if (isKept && IsFull)
        {
            _notice = _reader.Notice(best!.Header, HandleNotice);
            _notice.Begin(WriteBackTimeout);
            _storing += _notice.IsUnderWay ? 1 : 0;
            if (!IsHeldByMajority)
            {
                WriteBack(best);
            }
        }

        AnswerWhenSettled();
    }

    private bool IsSettled => _best is null
        || (IsHeldByMajority && _notice?.IsKnown(_holders.Contains) != false);

    private bool IsHeldByMajority => _isOwnDone
        && _reader.IsLastingMajority(_message.Key, _best!.Header.Replicas, _holders.Contains);

    private TimeSpan WriteBackTimeout =>
        _message.Budget * 0.5 < TimeoutMax ? _message.Budget * 0.5 : TimeoutMax;

    private void HandleNotice()
    {
        _storing -= _notice!.IsUnderWay ? 0 : 1;
        AnswerWhenSettled();
    }

    private void WriteBack(Record best)
    {
        Span<Key> replicas = stackalloc Key[2 * RecordCodec.ReplicasMax];
        int count = _context.Membership.Takers(_message.Key, best.Header.Replicas, replicas);
        ReplicaMessages.WriteStore(_context.Buffer, isCoordinated: true, [best]);
        foreach (Key replica in replicas[..count])
        {
            int at = _asked.IndexOf(replica);
            if (at >= 0 && !_holders.Contains(replica))
            {
                _storing++;
                _context.Request(this, ~at, replica, exact: true, WriteBackTimeout);
            }
        }
    }

    private void HandleStored(Key replica, in KbrReply reply)
    {
        _storing--;
        if (reply.Status == KbrStatus.Ok
            && Decoding.TryRead(
                reply.Payload, MessageKind.Stored, ReplicaMessages.ReadStored, out var entries)
            && entries is [{ Status: StoredStatus.Held or StoredStatus.Newer, IsApart: false }])
        {
            _holders.Add(replica);
        }

        AnswerWhenSettled();
    }

    private void AnswerWhenSettled()
    {
        bool isSettled = IsSettled;
        if (!_hasAnswered && (isSettled || _storing == 0 || !IsFull))
        {
            _hasAnswered = true;
            if (isSettled && _best is not null)
            {
                _context.Unsettled.Confirm(_message.Key, _best.Header.Version);
                NoteDone(_best.Header);
            }

            Answer(IsFull && isSettled);
        }

        if (_storing == 0)
        {
            _lease.End();
            _reader.End();
        }
    }

    // A put that failed at this root may be done by reading it: when it comes again it is known, and so it is
    // from the record that takes its place.
    private void NoteDone(RecordHeader header)
    {
        if (_context.Now.UnixMs - VersionTime.UnixMsOf(header.Version)
            < AppliedVersions.Retention.TotalMilliseconds)
        {
            _context.Applied.Add(header.Key, header.Version, _context.Now.Monotonic);
        }
    }

    private void Answer(bool isSettled)
    {
        int answered = _context.Membership.IsAlone ? 0 : VotesOf(_replicas);
        int asked = Math.Min(_replicas, _expected.Length);
        GotMessage got = _best is null
            ? new GotMessage(
                isSettled ? GetOutcome.Absent : GetOutcome.Unreachable,
                false,
                answered,
                asked,
                RecordVersion.None,
                0,
                default)
            : Answers.Of(_best, _context.Now.UnixMs, !isSettled, answered, asked);
        got.Write(_context.Buffer);
        _context.Reply(_token);
    }
}
