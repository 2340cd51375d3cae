using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Operations;

/// <summary>
/// A put or delete: the record is made once, and made anew only when the root has a newer version or refuses
/// its time. One of which a copy went to another root may be done all the same: so what is made anew names
/// what it was before.
/// </summary>
internal sealed class PutOperation : ClientOperation
{
    /// <summary>Roots that tell different times are not followed for ever.</summary>
    private const int CorrectionsMax = 3;

    /// <summary>A root that has ever newer versions is not asked without pause for ever.</summary>
    private const int ConflictsMax = 16;

    private readonly DhtPut _put;
    private readonly IRecordType? _type;
    private RecordDraft? _draft;
    private readonly TimeSpan? _life;
    private readonly List<RecordVersion> _formerNames = [];
    private Record? _record;
    private IReadOnlyList<Key>? _holders;
    private int _needed;
    private long _correctionMs;
    private long _madeAt;
    private int _corrections;
    private int _conflicts;

    public PutOperation(
        DhtContext context, DhtClient client, long number, DhtPut put, RecordDraft? draft)
        : base(context, client, number, put.Key, put.Timeout)
    {
        _put = put;
        _draft = draft;
        _type = context.Options.Types.Find(put.Type);
        _life = put.IsDelete ? ValueRecordType.TombstoneLife : put.TimeToLive;
        _madeAt = Now;
    }

    /// <summary>Why the record cannot be written at all; null when it can.</summary>
    public string? Refusal()
    {
        if (_type is null)
        {
            return $"The record type '{_put.Type}' is not known.";
        }

        int bytes = _draft?.ValueLength ?? _put.Value.Length;
        if (bytes > Context.Options.ValueBytesMax)
        {
            return $"The value has {bytes} bytes; {Context.Options.ValueBytesMax} are allowed.";
        }

        if (_put.IsDelete && !_type.IsDeletable)
        {
            return $"A record of type '{_type.Name}' cannot be deleted; it ends with its time to live.";
        }

        if (_put.Replicas is < 1 or > RecordCodec.ReplicasMax)
        {
            return $"A record has 1 to {RecordCodec.ReplicasMax} replicas, not {_put.Replicas}.";
        }

        if (_put.CopiesMin < 0 || _put.CopiesMin > _put.Replicas)
        {
            return $"The floor of copies is {_put.CopiesMin}; it goes up to the {_put.Replicas} replicas.";
        }

        _draft = _put.IsDelete ? new RecordDraft([]) : _draft ?? new RecordDraft(_put.Value.Span);
        Make(Context.Clock.Next(Now));
        return Context.Judge.FormOf(_record!)?.Text;
    }

    /// <inheritdoc/>
    protected override void WriteRequest(TimeSpan budget) =>
        new PutMessage(_put.Acks, budget, _record!.Encoded, _put.CopiesMin, _formerNames)
            .Write(Context.Buffer);

    /// <inheritdoc/>
    protected override bool HandleAnswer(MessageKind kind, in KbrReply reply)
    {
        switch (kind)
        {
            case MessageKind.PutDone:
                if (TryRead(reply, PutDoneMessage.Read, out PutDoneMessage done))
                {
                    HandleDone(done, reply.Responder);
                }

                return true;
            case MessageKind.Conflict:
                if (TryRead(reply, MessageParts.ReadVersion, out RecordVersion newer))
                {
                    MakeAnew(Context.Clock.Above(newer, Now));
                    HandleConflict();
                }

                return true;
            case MessageKind.NotEnough:
                if (TryRead(reply, NotEnoughMessage.Read, out NotEnoughMessage notEnough))
                {
                    HandleTooFew(notEnough.Holders, notEnough.Needed, notEnough.Text);
                }

                return true;
            default:
                return false;
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Whoever has no time that others bear out, a command that runs for a second on a host with a wrong
    /// clock, takes that of the root, which has.
    /// </remarks>
    protected override bool TryCorrectTime(long unixMs)
    {
        if (Context.Now.IsTrusted || _corrections == CorrectionsMax)
        {
            return false;
        }

        _corrections++;
        _correctionMs = unixMs - Context.Now.UnixMs;
        _madeAt = Now;
        MakeAnew(Context.Clock.Next(Now));
        return true;
    }

    /// <inheritdoc/>
    protected override OperationResult OutOfTime()
    {
        if (_holders is null)
        {
            return new OperationResult
            {
                Failure = new DhtFailure(
                    DhtError.Unreachable, $"Not written within {Patience}: {Cause}."),
            };
        }

        string message = $"Not enough copies within {Patience}: {_holders.Count} of the {_put.Replicas} "
            + $"asked for {(_holders.Count == 1 ? "was" : "were")} made and {_needed} are needed ({Cause}).";
        return new OperationResult
        {
            Failure = new DhtFailure(DhtError.NotEnoughReplicas, message, _holders),
        };
    }

    private long Now => Context.Now.UnixMs + _correctionMs;

    private long ExpiresAtUnixMs => _life is { } life ? _madeAt + (long)life.TotalMilliseconds : 0;

    /// <summary>
    /// The root calls it done. Whether it is, is counted here once more: a root that was cut off from the
    /// others may know fewer members than this node does.
    /// </summary>
    private void HandleDone(in PutDoneMessage done, Key root)
    {
        Key[] holders = [.. done.Holders.Distinct()];
        int known = Math.Max(done.Known, Context.Membership.Expected.Count);
        int needed = CopiesNeeded.Of(_put.Acks, _put.CopiesMin, _put.Replicas, known);
        if (holders.Length < needed)
        {
            HandleTooFew(
                holders,
                needed,
                $"node {root.ToShortString()} knows {done.Known} members, {known} are known here");
            return;
        }

        End(new OperationResult
        {
            Receipt = new PutReceipt
            {
                Key = Key,
                Version = done.Version,
                Holders = holders,
                ReplicasAsked = _put.Replicas,
                IsDegraded = done.IsDegraded,
            },
        });
    }

    /// <summary>The root keeps the turn for who comes again at once.</summary>
    private void HandleConflict()
    {
        if (_conflicts++ < ConflictsMax)
        {
            Attempt();
        }
        else
        {
            Retry("other writers were faster, again and again");
        }
    }

    private void HandleTooFew(IReadOnlyList<Key> holders, int needed, string why)
    {
        // The last attempt may have had no time to ask those who hold it since an earlier one.
        _holders = holders.Count >= (_holders?.Count ?? 0) ? holders : _holders;
        _needed = needed;
        Retry(why);
    }

    private void MakeAnew(RecordVersion fresh)
    {
        if (_formerNames.Count == PutMessage.FormerNamesMax)
        {
            _formerNames.RemoveAt(0);
        }

        _formerNames.Add(_record!.Header.Version);
        Make(fresh);
    }

    private void Make(RecordVersion fresh) => _record = _draft!.Make(
        new RecordHeader
        {
            Key = Key,
            Type = _put.Type,
            Version = _type!.VersionFor(fresh, ExpiresAtUnixMs),
            ExpiresAtUnixMs = ExpiresAtUnixMs,
            Replicas = _put.Replicas,
            IsTombstone = _put.IsDelete,
        });
}
