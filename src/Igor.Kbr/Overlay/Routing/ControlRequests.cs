using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Requests that a ring's root answers itself. There is one: who is near this key? The answer is the root and
/// its neighbours, or those of them whom the asker lacks; joining nodes ask it for their own id, finger
/// selection for a place far away.
/// </summary>
internal sealed class ControlRequests(RingTable rings)
{
    private int _turn;

    public DeliveryResult Answer(ServiceRing ring, Key asker, ReadOnlyMemory<byte> query) =>
        NearQuery.TryRead(query, out NearQuery near)
            ? new DeliveryResult(ReplyStatus.Ok, NearReply.Write(Near(ring, asker, near)))
            : new DeliveryResult( // no attempt at another root is worth while
                ReplyStatus.Failed, PeerCodec.WriteError("this node knows no control request of that kind"));

    /// <summary>The root and those near it; where some are enough, others beside it each time.</summary>
    private ImmutableArray<Contact> Near(ServiceRing ring, Key asker, NearQuery query)
    {
        ImmutableArray<Contact> near = rings.Contacts(ring.Neighbours.Others
            .Prepend(ring.Neighbours.Self)
            .Where(id => id != asker && !query.Known.Contains(RingTerms.Short(RingTerms.Term(ring.Id, id)))));
        if (near.Length <= query.ContactsMax || query.ContactsMax < 1)
        {
            return near;
        }

        int first = _turn++ % near.Length;
        return [near[0], .. near.Skip(1).Concat(near.Skip(1)).Skip(first).Take(query.ContactsMax - 1)];
    }
}
