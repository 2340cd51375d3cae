using System.Buffers;
using System.Collections.Immutable;
using Igor.Kbr;
using MessagePack;

namespace Igor.Local.Protocol;

/// <summary>Writes the body of a frame.</summary>
internal static class LocalFrameWriter
{
    public static void Write(IBufferWriter<byte> output, LocalFrame frame)
    {
        var writer = new MessagePackWriter(output);
        switch (frame)
        {
            case HelloFrame or StatusFrame or SubscribeFrame or UnsubscribeFrame:
                WriteAttachment(ref writer, frame);
                break;
            case RouteFrame or RequestFrame or CancelFrame or ReplyFrame or FailFrame or DecideFrame:
                WriteDowncall(ref writer, frame);
                break;
            case DeliverFrame or ForwardFrame or UpdateFrame or ResultFrame:
                WriteUpcall(ref writer, frame);
                break;
            default:
                WriteAnswer(ref writer, frame);
                break;
        }

        writer.Flush();
    }

    private static void WriteAttachment(ref MessagePackWriter writer, LocalFrame frame)
    {
        switch (frame)
        {
            case HelloFrame hello:
                Begin(ref writer, LocalFrameType.Hello, 3);
                writer.Write(hello.VersionMin);
                writer.Write(hello.VersionMax);
                writer.Write(hello.Application);
                break;
            case StatusFrame status:
                Begin(ref writer, LocalFrameType.Status, 1);
                writer.Write(status.Call);
                break;
            case SubscribeFrame subscribe:
                Begin(ref writer, LocalFrameType.Subscribe, 5);
                writer.Write(subscribe.Call);
                writer.Write(subscribe.Subscription);
                writer.Write(subscribe.Service);
                writer.Write((int)subscribe.Role);
                writer.Write(subscribe.WantsForward);
                break;
            case UnsubscribeFrame unsubscribe:
                Begin(ref writer, LocalFrameType.Unsubscribe, 2);
                writer.Write(unsubscribe.Call);
                writer.Write(unsubscribe.Subscription);
                break;
        }
    }

    private static void WriteDowncall(ref MessagePackWriter writer, LocalFrame frame)
    {
        switch (frame)
        {
            case RouteFrame route:
                Begin(ref writer, LocalFrameType.Route, 4);
                writer.Write(route.Subscription);
                KeyCodec.Write(ref writer, route.Destination);
                writer.Write(route.Exact);
                writer.Write(route.Payload.Span);
                break;
            case RequestFrame request:
                Begin(ref writer, LocalFrameType.Request, 6);
                writer.Write(request.Subscription);
                writer.Write(request.Request);
                KeyCodec.Write(ref writer, request.Destination);
                writer.Write(request.Exact);
                writer.Write(request.TimeoutMs);
                writer.Write(request.Payload.Span);
                break;
            case CancelFrame cancel:
                Begin(ref writer, LocalFrameType.Cancel, 1);
                writer.Write(cancel.Request);
                break;
            case ReplyFrame reply:
                Begin(ref writer, LocalFrameType.Reply, 2);
                writer.Write(reply.Token);
                writer.Write(reply.Payload.Span);
                break;
            case FailFrame fail:
                Begin(ref writer, LocalFrameType.Fail, 3);
                writer.Write(fail.Token);
                writer.Write(fail.IsTemporary);
                writer.Write(fail.Error);
                break;
            case DecideFrame decide:
                Begin(ref writer, LocalFrameType.Decide, 3);
                writer.Write(decide.Parked);
                writer.Write(decide.Goes);
                if (decide.Replacement is { } replacement)
                {
                    writer.Write(replacement.Span);
                }
                else
                {
                    writer.WriteNil();
                }

                break;
        }
    }

    private static void WriteUpcall(ref MessagePackWriter writer, LocalFrame frame)
    {
        switch (frame)
        {
            case DeliverFrame deliver:
                Begin(ref writer, LocalFrameType.Deliver, 7);
                writer.Write(deliver.Subscription);
                KeyCodec.Write(ref writer, deliver.Destination);
                KeyCodec.Write(ref writer, deliver.Source);
                writer.Write(deliver.Token);
                writer.Write(deliver.Payload.Span);
                writer.Write(deliver.IsSourceProven);
                writer.Write(deliver.RequestNumber);
                break;
            case ForwardFrame forward:
                Begin(ref writer, LocalFrameType.Forward, 6);
                writer.Write(forward.Subscription);
                writer.Write(forward.Parked);
                KeyCodec.Write(ref writer, forward.Destination);
                KeyCodec.Write(ref writer, forward.Source);
                KeyCodec.Write(ref writer, forward.NextHop);
                writer.Write(forward.Payload.Span);
                break;
            case UpdateFrame update:
                Begin(ref writer, LocalFrameType.Update, 4);
                writer.Write(update.Subscription);
                WriteNeighbours(ref writer, update.Change.Neighbours);
                WriteKeys(ref writer, update.Change.Joined);
                WriteDepartures(ref writer, update.Change.Departed);
                break;
            case ResultFrame result:
                Begin(ref writer, LocalFrameType.Result, 5);
                writer.Write(result.Request);
                writer.Write((int)result.Status);
                KeyCodec.Write(ref writer, result.Responder);
                writer.Write(result.Payload.Span);
                writer.Write(result.Error);
                break;
        }
    }

    private static void WriteAnswer(ref MessagePackWriter writer, LocalFrame frame)
    {
        switch (frame)
        {
            case WelcomeFrame welcome:
                Begin(ref writer, LocalFrameType.Welcome, 7);
                writer.Write(welcome.Version);
                KeyCodec.Write(ref writer, welcome.NodeId);
                writer.Write(welcome.Network);
                writer.Write(welcome.PayloadBytesMax);
                writer.Write(welcome.DaemonVersion);
                WriteTime(ref writer, welcome.Time);
                break;
            case TimeFrame time:
                Begin(ref writer, LocalFrameType.Time, 2);
                WriteTime(ref writer, time.Time);
                break;
            case RefusedFrame refused:
                Begin(ref writer, LocalFrameType.Refused, 3);
                writer.Write(refused.Call);
                writer.Write((int)refused.Code);
                writer.Write(refused.Text);
                break;
            case StatusResultFrame status:
                Begin(ref writer, LocalFrameType.StatusResult, 11);
                writer.Write(status.Call);
                LocalStatusCodec.Write(ref writer, status.Status);
                break;
            case SubscribedFrame subscribed:
                Begin(ref writer, LocalFrameType.Subscribed, 2);
                writer.Write(subscribed.Call);
                WriteNeighbours(ref writer, subscribed.Neighbours);
                break;
            case UnsubscribedFrame unsubscribed:
                Begin(ref writer, LocalFrameType.Unsubscribed, 1);
                writer.Write(unsubscribed.Call);
                break;
            default:
                throw new ArgumentException($"A {frame.GetType().Name} is never written.", nameof(frame));
        }
    }

    private static void WriteTime(ref MessagePackWriter writer, NetworkTime time)
    {
        writer.Write(time.UnixMs);
        writer.Write(time.IsTrusted);
    }

    internal static void WriteKeys(ref MessagePackWriter writer, ImmutableArray<Key> keys)
    {
        writer.WriteArrayHeader(keys.Length);
        foreach (Key key in keys)
        {
            KeyCodec.Write(ref writer, key);
        }
    }

    internal static void WriteNeighbours(ref MessagePackWriter writer, NeighbourSet neighbours)
    {
        writer.WriteArrayHeader(6);
        KeyCodec.Write(ref writer, neighbours.Self);
        writer.Write(neighbours.IsMember);
        WriteKeys(ref writer, neighbours.Clockwise);
        WriteKeys(ref writer, neighbours.CounterClockwise);
        writer.Write(neighbours.Version);
        writer.Write(neighbours.IsAlone);
    }

    private static void WriteDepartures(ref MessagePackWriter writer, ImmutableArray<Departure> departures)
    {
        writer.WriteArrayHeader(departures.Length);
        foreach (Departure departure in departures)
        {
            writer.WriteArrayHeader(2);
            KeyCodec.Write(ref writer, departure.Id);
            writer.Write((int)departure.Reason);
        }
    }

    private static void Begin(ref MessagePackWriter writer, LocalFrameType type, int fields)
    {
        writer.WriteArrayHeader(fields + 1);
        writer.Write((int)type);
    }
}
