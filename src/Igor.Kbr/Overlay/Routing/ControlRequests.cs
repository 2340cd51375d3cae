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
    public DeliveryResult Answer(ServiceRing ring, Key asker, ReadOnlyMemory<byte> query) =>
        ControlQuery.TryRead(query, out ControlKind kind) && kind == ControlKind.Near
            ? new DeliveryResult(
                ReplyStatus.Ok, NearReply.Write(rings.Contacts(ring).RemoveAll(c => c.Id == asker)))
            : new DeliveryResult( // of a later version perhaps: no attempt at another root is worth while
                ReplyStatus.Failed, PeerCodec.WriteError("this node knows no control request of that kind"));
}
