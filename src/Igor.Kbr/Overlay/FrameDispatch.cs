using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay;

/// <summary>
/// Gives each message to the machine that handles its type, within what its sender may send, and is the one
/// place where bytes that make no sense become a protocol error.
/// </summary>
internal sealed class FrameDispatch(
    NodeContext context, OpenLinks links, Handshake handshake, Liveness liveness)
{
    /// <summary>Up to some ten rings tell their surroundings, at changes and periodically.</summary>
    private const int ControlPerSecond = 32;

    private const int ControlAtOnceMax = 256;

    // For questions whose missing answer would be held against this node, and for what else costs more to
    // handle than to send; made when the first comes.
    private readonly PerPeer<TokenBucket?> _probes = new(context.Peers, () => null);
    private readonly PerPeer<TokenBucket?> _control = new(context.Peers, () => null);

    public long Ignored { get; private set; }

    public void Handle(TimeSpan now, LinkId linkId, ReadOnlyMemory<byte> body)
    {
        if (!links.TryGet(linkId, out Link? link))
        {
            return;
        }

        try
        {
            if (link.Peer is not { } peer)
            {
                handshake.HandleFirst(now, link, Frame.Open(body));
                return;
            }

            liveness.NoteHeard(now, peer, isOnUsed: !link.IsDraining);
            Handle(now, link, peer, Frame.Open(body));
        }
        catch (ProtocolException e)
        {
            handshake.HandleViolation(now, link, e.Message);
        }
    }

    private void Handle(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        if (AllowanceFor(peer, frame.Type) is { } allowance && !allowance.TryTake(now))
        {
            Ignored++;
        }
        else if (context.Machines.For(frame.Type) is { } machine)
        {
            machine.HandleMessage(now, link, peer, frame);
        }
        else
        {
            context.Send(link, new RefusedMessage((int)frame.Type));
        }
    }

    /// <summary>
    /// What bounds a message that costs more to handle, or to answer, than to send; null for others. A probe
    /// is sent once, so that what comes again with its period takes nothing from it.
    /// </summary>
    private TokenBucket? AllowanceFor(Peer peer, MessageType type) => type switch
    {
        MessageType.Ping or MessageType.RequestQuery => Of(_probes, peer),
        MessageType.Neighbours or MessageType.ServiceQuery or MessageType.ServiceMembers
            or MessageType.IdentityClash or MessageType.SilentPeer or MessageType.QuietPeer
            or MessageType.ServicesQuery or MessageType.PlaceQuery =>
                Of(_control, peer),
        _ => null,
    };

    private static TokenBucket Of(PerPeer<TokenBucket?> buckets, Peer peer) =>
        buckets[peer] ??= new TokenBucket(ControlPerSecond, ControlAtOnceMax);
}
