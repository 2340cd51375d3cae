using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// The root's side of a get. Settled for the key, and with leases of a majority of the replicas, it answers
/// alone, and from memory when there is nothing; else it asks the members near the key.
/// </summary>
internal sealed class RootReader(
    ReplicaContext context,
    RootKnowledge root,
    ReplicaVotes votes,
    Allegiance allegiance,
    RootLeases leases,
    RepairSchedule repair)
{
    private int _rounds;

    /// <summary>A get arrived.</summary>
    public void HandleGet(DeliveryToken token, GetMessage message)
    {
        if (!context.Membership.IsRootOf(message.Key))
        {
            context.Defer(token, "the ring is changing: the get reached a node that is not the root");
        }
        else if (message.Consistency == GetConsistency.Root && root.IsSettledFor(message.Key)
            && !context.Membership.IsAlone && leases.TryHold(message.Key))
        {
            AnswerAlone(token, message);
        }
        else
        {
            Gather(token, message, context.Lease());
        }
    }

    /// <summary>Whether this node's word counts for a key of which it is the root.</summary>
    internal bool HasVote(Key key) => IsServed(key) && (votes.HasVote(key) || root.HasVote(key));

    /// <summary>
    /// Whether this root heard of all that was acknowledged before: then those who follow it need not know
    /// that themselves to say that nobody else has written since.
    /// </summary>
    internal bool Knows(Key key) => root.HasVote(key);

    /// <summary>Whether this node gives its word about a key to itself.</summary>
    internal bool IsServed(Key key) => allegiance.TryServe(context.Membership.Self, key);

    /// <summary>
    /// Whether some members are a majority of those that are to hold a record with so many replicas.
    /// </summary>
    internal bool IsMajority(Key key, int replicas, Func<Key, bool> isAsAsked) =>
        root.IsMajority(key, replicas, isAsAsked);

    /// <summary>
    /// The same, and of those that are to hold it when those have gone that go for good.
    /// </summary>
    internal bool IsLastingMajority(Key key, int replicas, Func<Key, bool> isAsAsked) =>
        root.IsLastingMajority(key, replicas, isAsAsked);

    /// <summary>Tells of records with few copies.</summary>
    internal FewCopiesNotice Notice(RecordHeader header, Action told) => new(context, root, header, told);

    /// <summary>A round is over.</summary>
    internal void End() => _rounds--;

    /// <summary>The root learned a record, which others may lack.</summary>
    internal void HandleLearned() => repair.HandleLearned(Key.Zero);

    /// <summary>
    /// Asks the members near the key; this node's word counts unless its own record is damaged.
    /// </summary>
    internal void Gather(DeliveryToken token, GetMessage message, Lease lease)
    {
        if (_rounds >= context.Options.ServingMax)
        {
            lease.End();
            context.Defer(token, "the root has too many gets under way");
            return;
        }

        _rounds++;
        new GatherRound(context, this, token, message, lease).Start();
    }

    private void AnswerAlone(DeliveryToken token, GetMessage message)
    {
        if (!context.Index.TryGet(message.Key, out Holding holding))
        {
            Answer(new GotMessage(GetOutcome.Absent, false, 1, 1, RecordVersion.None, 0, default), token);
        }
        else if (holding.IsTombstone || holding.IsExpiredAt(context.Now.UnixMs))
        {
            GetOutcome outcome = Answers.OutcomeOf(
                holding.IsTombstone, holding.IsExpiredAt(context.Now.UnixMs));
            Answer(
                new GotMessage(outcome, false, 1, 1, holding.Version, holding.ExpiresAtUnixMs, default),
                token);
        }
        else
        {
            Lease lease = context.Lease();
            if (lease.TryAdd(holding.ValueLength + RecordCodec.OverheadBytesMax))
            {
                var read = new OwnRead(context, this, token, message, holding.Version, lease);
                context.Read(read, 0, message.Key);
            }
            else
            {
                context.DeferForRoom(token);
            }
        }
    }

    private void Answer(GotMessage got, DeliveryToken token)
    {
        got.Write(context.Buffer);
        context.Reply(token);
    }

    /// <summary>A get that waits for this node's own store.</summary>
    private sealed class OwnRead(
        ReplicaContext context,
        RootReader reader,
        DeliveryToken token,
        GetMessage message,
        RecordVersion version,
        Lease lease)
        : IReadHandler
    {
        public void HandleRead(int tag, Record? record)
        {
            // A newer one came meanwhile, and may be nowhere else yet.
            if (record is null || record.Header.Version != version)
            {
                reader.Gather(token, message, lease);
            }
            else
            {
                Answers.Of(record, context.Now.UnixMs, false, 1, 1).Write(context.Buffer);
                context.Reply(token);
                lease.End();
            }
        }
    }
}

/// <summary>What a reader answers.</summary>
internal static class Answers
{
    /// <summary>What a record means to a reader. A tombstone that has ended leaves nothing behind.</summary>
    public static GetOutcome OutcomeOf(bool isTombstone, bool isExpired) => (isTombstone, isExpired) switch
    {
        (false, false) => GetOutcome.Found,
        (true, false) => GetOutcome.Deleted,
        (false, true) => GetOutcome.Expired,
        (true, true) => GetOutcome.Absent,
    };

    /// <summary>The answer that a record makes.</summary>
    public static GotMessage Of(Record record, long nowUnixMs, bool isDegraded, int answered, int asked)
    {
        RecordHeader header = record.Header;
        GetOutcome outcome = OutcomeOf(header.IsTombstone, header.IsExpiredAt(nowUnixMs));
        return new GotMessage(
            outcome,
            isDegraded,
            answered,
            asked,
            outcome == GetOutcome.Absent ? RecordVersion.None : header.Version,
            outcome == GetOutcome.Absent ? 0 : header.ExpiresAtUnixMs,
            outcome == GetOutcome.Found ? record.Encoded : default);
    }
}
