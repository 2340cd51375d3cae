using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Tests.Wire.Messages;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Routing;

/// <summary>Requests and replies that peers of a <see cref="LoneNode"/> send it.</summary>
internal static class RoutedFrames
{
    /// <summary>A request, its number behind the payload.</summary>
    public static byte[] Request(in RouteHeader header, params byte[] payload)
    {
        byte[] frame = LoneNode.RouteFrame(header, payload);
        int bytes = frame.Length;
        Array.Resize(ref frame, bytes + RoutedFrame.RequestNumberBytes);
        RoutedFrame.WriteRequestNumber(frame.AsSpan(bytes), header.RequestNumber);
        return frame;
    }

    /// <summary>A peer replies to what the node passed to it.</summary>
    public static void Reply(
        this LoneNode node, LinkId link, byte[] route, ReplyStatus status, params byte[] payload)
    {
        const int headerBytes = RoutedFrame.ReplyHeaderBytes + RoutedFrame.PayloadPrefixBytes;
        byte[] reply = new byte[headerBytes + payload.Length];
        var header = new ReplyHeader(HeaderOf(route).HopId, status, Key.Zero);
        RoutedFrame.WriteReply(reply, header, payload.Length);
        payload.CopyTo(reply, reply.Length - payload.Length);
        node.Overlay.HandleFrame(node.Now, link, reply);
    }

    /// <summary>A peer answers a ping, and a question for a request unless it leaves those lie.</summary>
    public static void AnswerQuestion(
        this LoneNode node, LinkId link, byte[] frame, bool isHeld, bool answersQueries)
    {
        switch ((MessageType)frame[1])
        {
            case MessageType.Ping:
                node.Say(link, new PongMessage(MessageBytes.Read<PingMessage>(frame).Nonce, 0));
                break;
            case MessageType.RequestQuery when answersQueries:
                ulong hopId = MessageBytes.Read<RequestQueryMessage>(frame).HopId;
                node.Say(link, new RequestStateMessage(hopId, isHeld));
                break;
        }
    }

    /// <summary>The messages for applications that the node passed on over a link.</summary>
    public static List<byte[]> Routes(this LoneNode node, LinkId link) =>
    [
        .. node.Frames(link, MessageType.Route)
            .Where(route => (HeaderOf(route).Flags & RouteFlags.Control) == 0),
    ];

    public static RouteHeader HeaderOf(byte[] route)
    {
        Assert.True(RoutedFrame.TryReadRoute(route, out RouteHeader header, out _));
        return header;
    }
}
