using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>Sends replies back to the hop that a request came from.</summary>
internal sealed class WayBack(NodeContext context, PeerConduct conduct)
{
    /// <summary>Tells the hop before how a request ended, when it waits for that.</summary>
    public void Refuse(Link link, ulong hopId, ReplyStatus status)
    {
        if (hopId != 0)
        {
            Send(link, hopId, status, default);
        }
    }

    /// <summary>Sends a reply of this node's own.</summary>
    public void Send(Link link, ulong hopId, ReplyStatus status, ReadOnlySpan<byte> payload)
    {
        Span<byte> header = stackalloc byte[RoutedFrame.ReplyHeaderBytes + RoutedFrame.PayloadPrefixBytes];
        RoutedFrame.WriteReply(header, new ReplyHeader(hopId, status, context.Id), payload.Length);
        if (TrySend(link, header, payload))
        {
            return;
        }

        if (IsTooLarge(link, header.Length + payload.Length))
        {
            RefuseTooLarge(link, hopId, payload.Length);
        }
        else if (!payload.IsEmpty)
        {
            // Too much waits for that peer; for so little there is room longer than for an answer.
            Send(link, hopId, ReplyStatus.Overloaded, default);
        }
        else if (link.Peer is { } peer && context.Peers.IsConnected(peer))
        {
            conduct[peer].HasLostAnswer = true;
        }
    }

    /// <summary>Passes a reply on: under the name that the hop before has for it, else as it came.</summary>
    public void Pass(Link link, ulong hopId, ReadOnlySpan<byte> reply)
    {
        Span<byte> rewritten = stackalloc byte[RoutedFrame.ReplyHeaderBytes];
        reply[..RoutedFrame.ReplyHeaderBytes].CopyTo(rewritten);
        RoutedFrame.RewriteReply(rewritten, hopId);
        if (TrySend(link, rewritten, reply[RoutedFrame.ReplyHeaderBytes..]))
        {
            return;
        }

        if (IsTooLarge(link, reply.Length))
        {
            RefuseTooLarge(link, hopId, reply.Length);
        }
        else
        {
            Refuse(link, hopId, ReplyStatus.Overloaded);
        }
    }

    /// <summary>Whether the other end takes no frame of that size, now or later.</summary>
    private static bool IsTooLarge(Link link, int bytes) =>
        bytes > Math.Max(link.FrameBytesMax, link.Peer?.Link.FrameBytesMax ?? 0);

    /// <summary>It is final: run once more, the request would have the same answer.</summary>
    private void RefuseTooLarge(Link link, ulong hopId, int bytes)
    {
        string text = $"an answer of {bytes} bytes is too large for a node on its way back";
        context.Raise(OverlayEventKind.LimitReached, link.PeerId, text);
        Send(link, hopId, ReplyStatus.Failed, PeerCodec.WriteError(text));
    }

    /// <summary>A reply goes the way the request came, or over the link that the peer has now.</summary>
    private bool TrySend(Link link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> rest) =>
        context.Send(link, header, rest)
        || (link.Peer is { } peer && peer.Link != link
            && context.Send(peer.Link, header, rest));
}
