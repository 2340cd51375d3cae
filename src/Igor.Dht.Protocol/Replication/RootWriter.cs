using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// The root's side of a put: the record goes to its own disk and to the other replicas at the same time, and
/// the caller hears of it as soon as its own write has ended and as many copies as it needs are durable.
/// </summary>
internal sealed class RootWriter(ReplicaContext context, RepairSchedule repair)
{
    private readonly List<PutRound> _rounds = [];

    /// <summary>Whether no put is under way.</summary>
    public bool IsIdle => _rounds.Count == 0;

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
        else if (_rounds.Count >= context.Options.ServingMax)
        {
            context.Defer(token, "the root has too many puts under way");
        }
        else
        {
            Lease lease = context.Lease();
            if (lease.TryAdd(record.Encoded.Length))
            {
                var round = new PutRound(context, this, token, message, record, lease);
                _rounds.Add(round);
                round.Start();
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

    /// <summary>A round is over; these replicas did not take the record.</summary>
    internal void End(PutRound round, IEnumerable<Key> lacking)
    {
        _rounds.Remove(round);
        foreach (Key id in lacking)
        {
            repair.HandleLack(id);
        }
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
