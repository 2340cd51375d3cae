using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>Sends replies back to the hop that a request came from, when that waits for one.</summary>
internal sealed class WayBack(NodeContext context, SilentMembers silent)
{
    private const int HeaderBytes = RoutedFrame.ReplyHeaderBytes + RoutedFrame.PayloadPrefixBytes;

    public void Reply(Link link, ulong hopId, ReplyStatus status, ReadOnlySpan<byte> payload)
    {
        if (hopId != 0)
        {
            Span<byte> header = stackalloc byte[HeaderBytes];
            RoutedFrame.WriteReply(header, new ReplyHeader(hopId, status, context.Id), payload.Length);
            Send(link, hopId, header, payload);
        }
    }

    /// <summary>Passes a reply on: under the name that the hop before has for it, else as it came.</summary>
    public void Pass(Link link, ulong hopId, ReadOnlySpan<byte> reply)
    {
        Span<byte> rewritten = stackalloc byte[RoutedFrame.ReplyHeaderBytes];
        reply[..RoutedFrame.ReplyHeaderBytes].CopyTo(rewritten);
        RoutedFrame.RewriteReply(rewritten, hopId);
        Send(link, hopId, rewritten, reply[RoutedFrame.ReplyHeaderBytes..]);
    }

    /// <summary>A reply goes the way the request came, or over the link that the peer has now.</summary>
    private void Send(Link link, ulong hopId, ReadOnlySpan<byte> header, ReadOnlySpan<byte> rest)
    {
        Link now = link.Peer?.Link ?? link;
        if (context.Send(link, header, rest) || (now != link && context.Send(now, header, rest)))
        {
            return;
        }

        int bytes = header.Length + rest.Length;
        if (bytes > Math.Max(link.FrameBytesMax, now.FrameBytesMax))
        {
            // It is final: run once more, the request would have the same answer.
            string text = $"an answer of {bytes} bytes is too large for a node on its way back";
            context.Raise(OverlayEventKind.LimitReached, link.PeerId, text);
            Reply(link, hopId, ReplyStatus.Failed, PeerCodec.WriteError(text));
        }
        else if (bytes > HeaderBytes)
        {
            // Too much waits for that peer; for so little there is room longer than for an answer.
            Reply(link, hopId, ReplyStatus.Overloaded, default);
        }
        else if (link.Peer is { } peer && context.Peers.IsConnected(peer))
        {
            silent.NoteLostReply(peer);
        }
    }
}
