using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// Tells the members near a key that there are records which ask for fewer copies than readers ask members.
/// The word of some who have nothing is worth less from then on: all copies may be with one who is missing.
/// Before a majority of those whom a later root asks knows that, such a record is not told unmarked.
/// </summary>
internal sealed class FewCopiesNotice(
    ReplicaContext context, RootKnowledge root, RecordHeader header, Action told)
    : IReplyHandler
{
    private readonly List<Key> _asked = new(Neighbourhood.Replicas);
    private int _outstanding;

    /// <summary>Whether answers are waited for.</summary>
    public bool IsUnderWay => _outstanding > 0;

    /// <summary>Tells those who do not know yet.</summary>
    public void Begin(TimeSpan timeout)
    {
        if (header.Replicas >= Neighbourhood.Replicas)
        {
            return;
        }

        context.HandleReplicas(header.Replicas);
        Span<Key> near = stackalloc Key[2 * Neighbourhood.Replicas];
        near = near[..context.Membership.Takers(header.Key, Neighbourhood.Replicas, near)];
        CommonMessages.WriteFewCopies(context.Buffer, header.Key, header.Replicas);
        foreach (Key id in near)
        {
            if (!root.KnowsFew(id, header.Replicas))
            {
                _asked.Add(id);
                _outstanding++;
                context.Request(this, _asked.Count - 1, id, exact: true, timeout);
            }
        }
    }

    /// <summary>Whether enough of them know.</summary>
    /// <param name="isHolder">Who holds the record knows, too.</param>
    public bool IsKnown(Func<Key, bool> isHolder) => root.KnowFew(header.Key, header.Replicas, isHolder);

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        _outstanding--;
        if (Decoding.IsDone(reply) && root.PeerOf(_asked[tag]) is { } peer)
        {
            peer.KnowsFewUntil[header.Replicas] = context.Now.Monotonic + context.FewCopiesRetention;
        }

        told();
    }
}
