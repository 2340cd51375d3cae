using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Requests that a ring's root answers itself. There is one: who is near this key? The answer is the root and
/// its neighbours; joining nodes ask it for their own id, finger selection for a place far away.
/// </summary>
internal sealed class ControlRequests(RingTable rings)
{
    /// <summary>Answers what a node asks.</summary>
    public ReplyStatus Answer(
        ServiceRing ring, Key asker, ReadOnlyMemory<byte> query, out ReadOnlyMemory<byte> answer)
    {
        if (!ControlQuery.TryRead(query, out ControlKind kind) || kind != ControlKind.Near)
        {
            // Of a later version perhaps, to which no attempt at another root is worth while.
            answer = PeerCodec.WriteError("this node knows no control request of that kind");
            return ReplyStatus.Failed;
        }

        answer = NearReply.Write(rings.Contacts(ring).RemoveAll(c => c.Id == asker));
        return ReplyStatus.Ok;
    }
}
