using System.Collections.Immutable;
using Igor.Kbr.Tests.Wire;
using Igor.Kbr.Tests.Wire.Messages;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Transcripts;

/// <summary>Frames as texts: messages by type and fields, routed ones by their headers.</summary>
internal static class TranscriptFrames
{
    public static string Text(byte[] frame, TranscriptNames names)
    {
        ReadOnlyMemory<byte> payload;
        switch ((MessageType)frame[1])
        {
            case MessageType.Route when RoutedFrame.TryReadRoute(frame, out RouteHeader route, out payload):
                return Text(route, names) + Asked(route, payload);
            case MessageType.Reply when RoutedFrame.TryReadReply(frame, out ReplyHeader reply, out payload):
                return $"Reply {names.Of(reply.HopId)} {reply.Status} by {names.Of(reply.Responder)}"
                    + Answered(payload, names);
            default:
                MessageKind? kind = MessageKinds.All.FirstOrDefault(k => (byte)k.Type == frame[1]);
                return kind?.Read(frame, names) ?? WireTree.Text(WireTree.Parse(frame));
        }
    }

    private static string Text(in RouteHeader route, TranscriptNames names)
    {
        string flags = route.Flags == RouteFlags.None ? string.Empty : $", {route.Flags}";
        return $"Route {names.Of(route.HopId)} in {names.Of(route.Service)} from {names.Of(route.Source)}"
            + $" to {names.Of(route.Destination)}, {route.HopsLeft} hops, {route.TimeoutMs} ms{flags}";
    }

    private static string Asked(in RouteHeader route, ReadOnlyMemory<byte> payload) =>
        route.Flags.HasFlag(RouteFlags.Control) && NearQuery.TryRead(payload, out _)
            ? ": Near?"
            : $": {payload.Length} bytes";

    /// <summary>An answer to a control request, as what comes from an application would not look.</summary>
    private static string Answered(ReadOnlyMemory<byte> payload, TranscriptNames names) =>
        !payload.IsEmpty && NearReply.TryRead(payload, out ImmutableArray<Contact> near)
            ? $": near {MessageText.OfValue(near, names)}"
            : $": {payload.Length} bytes";
}
