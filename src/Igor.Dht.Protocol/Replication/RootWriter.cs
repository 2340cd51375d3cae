using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// The root's side of a put: the record goes to its own disk and to the other replicas at the same time, and
/// the caller hears of it as soon as its own write has ended and as many copies as it needs are durable.
/// Those who write one key take turns, so that none is outrun for ever.
/// </summary>
internal sealed class RootWriter(
    ReplicaContext context,
    RootKnowledge root,
    Allegiance allegiance,
    RootLeases leases,
    RepairSchedule repair)
{
    private readonly List<PutRound> _rounds = [];
    private readonly WriterTurns _turns = new();

    /// <summary>Number of puts that were begun, ever.</summary>
    public long Begun { get; private set; }

    /// <summary>Whether no put is under way.</summary>
    public bool IsIdle => _rounds.Count == 0 && _turns.Waiting == 0;

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline => _turns.NextDeadline;

    /// <summary>A put arrived.</summary>
    public void HandlePut(DeliveryToken token, PutMessage message)
    {
        Record? record = RecordCodec.TryDecode(context.Own(message.Record), out string error);
        if (record is null)
        {
            context.Refuse(token, RefusalReason.Malformed, error);
        }
        else if (Refusal(record) is { } refusal)
        {
            context.Refuse(token, refusal.Reason, refusal.Text);
        }
        else if (!context.Membership.IsRootOf(record.Header.Key))
        {
            context.Defer(token, "the ring is changing: the put reached a node that is not the root");
        }
        else if (context.Membership.IsAlone)
        {
            context.Defer(
                token, "the node there is alone, and takes no writes unless it was started with --found");
        }
        else if (_rounds.Count + _turns.Waiting >= context.Options.ServingMax)
        {
            context.Defer(token, "the root has too many puts under way");
        }
        else
        {
            Lease lease = context.Lease();
            if (lease.TryAdd(record.Encoded.Length))
            {
                var put = new WaitingPut(
                    token, message, record, lease, context.Now.Monotonic + message.Budget);
                if (context.Options.Types.Find(record.Header.Type)!.NewerConfirmsOlder
                    || _turns.TryTake(put))
                {
                    Begin(put);
                }
            }
            else
            {
                context.DeferForRoom(token);
            }
        }
    }

    /// <summary>The ring changed: puts under way turn to the replicas that are new.</summary>
    public void HandleUpdate()
    {
        foreach (PutRound round in _rounds.ToArray())
        {
            round.HandleUpdate();
        }
    }

    /// <summary>A deadline has passed: who did not take its turn in time loses it.</summary>
    public void HandleDeadline()
    {
        while (_turns.Expire(context.Now.Monotonic, out WaitingPut? next))
        {
            BeginNext(next);
        }
    }

    /// <summary>A round has its answer: it is the next one's turn.</summary>
    internal void HandleAnswered(PutRound round) =>
        BeginNext(_turns.End(round.Header, round.IsOutrun, context.Now.Monotonic));

    /// <summary>Whether this node gives its word about a key to itself.</summary>
    internal bool IsServed(Key key) => allegiance.TryServe(context.Membership.Self, key);

    /// <summary>Whether this root heard of all that was acknowledged before.</summary>
    internal bool HasHeard(Key key) => root.HasVote(key);

    /// <summary>
    /// Whether this root heard of all that other roots did with a key, and none does anything with it now
    /// that counts.
    /// </summary>
    internal bool Knows(Key key) => leases.TryHold(key) && !context.Lacked.Contains(key);

    /// <summary>
    /// Whether some members are a majority of those that are to hold a record with so many replicas, and stay
    /// one when those have gone that go for good.
    /// </summary>
    internal bool IsMajority(Key key, int replicas, Func<Key, bool> isAsAsked) =>
        root.IsLastingMajority(key, replicas, isAsAsked);

    /// <summary>Tells of records with few copies.</summary>
    internal FewCopiesNotice Notice(RecordHeader header, Action told) => new(context, root, header, told);

    /// <summary>A round is over; these replicas did not take the record.</summary>
    internal void End(PutRound round, IEnumerable<Key> lacking)
    {
        _rounds.Remove(round);
        foreach (Key id in lacking)
        {
            repair.HandleLack(id);
        }
    }

    private void BeginNext(WaitingPut? next)
    {
        while (next is { } late && late.Until <= context.Now.Monotonic)
        {
            late.Lease.End(); // its writer asks again
            context.Defer(late.Token, "too many wait for their turn with this key");
            next = _turns.End(late.Record.Header, isOutrun: false, context.Now.Monotonic);
        }

        if (next is not null)
        {
            Begin(next);
        }
    }

    private void Begin(WaitingPut put)
    {
        Begun++;
        leases.Want(); // mostly what was written is read soon
        var round = new PutRound(context, this, put.Token, put.Message, put.Record, put.Lease);
        _rounds.Add(round);
        round.Start();
    }

    private RecordFault? Refusal(Record record)
    {
        if (context.FaultOf(record) is { } fault)
        {
            return fault;
        }

        RecordHeader header = record.Header;
        if (header.IsExpiredAt(context.Now.UnixMs))
        {
            return new RecordFault(
                RefusalReason.Version, "the record has ended already: check the clock of the writer's host");
        }

        return context.Index.TryGet(header.Key, out Holding held) && held.Type != header.Type
            && context.Ranks.Held(header.Key) > header.Version && !held.IsExpiredAt(context.Now.UnixMs)
            ? new RecordFault(RefusalReason.Type, $"the key holds a record of type '{held.Type}'")
            : null;
    }
}
