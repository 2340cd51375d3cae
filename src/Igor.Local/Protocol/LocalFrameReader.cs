using System.Diagnostics.CodeAnalysis;
using System.Text;
using Igor.Kbr;
using MessagePack;
using static Igor.Local.Protocol.LocalFieldReader;

namespace Igor.Local.Protocol;

/// <summary>
/// Reads the body of a frame, whatever it holds: what cannot be read is a value (null and an explanation),
/// never an exception. Fields behind the known ones are for later versions and are not looked at.
/// </summary>
internal static class LocalFrameReader
{
    /// <summary>Reads a frame; payloads are slices of the body.</summary>
    public static bool TryRead(
        ReadOnlyMemory<byte> body,
        [NotNullWhen(true)] out LocalFrame? frame,
        [NotNullWhen(false)] out string? error)
    {
        try
        {
            var reader = new MessagePackReader(body);
            int fields = reader.ReadArrayHeader() - 1;
            frame = Read(ref reader, reader.ReadInt64(), fields);
            error = null;
            return true;
        }
        catch (Exception exception) when (exception is MessagePackSerializationException
            or EndOfStreamException or OverflowException or ArgumentException or InvalidOperationException
            or DecoderFallbackException)
        {
            frame = null;
            error = exception.Message;
            return false;
        }
    }

    private static LocalFrame Read(ref MessagePackReader reader, long type, int fields)
    {
        if (type is < int.MinValue or > int.MaxValue || FieldsOf((LocalFrameType)type) is not { } wanted)
        {
            return new UnknownFrame(type);
        }

        if (fields < wanted)
        {
            throw Wrong($"a frame of type {type} has {wanted} fields, not {fields}");
        }

        return type < (int)LocalFrameType.Welcome
            ? ReadFromApplication(ref reader, (LocalFrameType)type)
            : ReadFromDaemon(ref reader, (LocalFrameType)type, fields - wanted);
    }

    private static NetworkTime ReadTime(ref MessagePackReader reader) =>
        new(reader.ReadInt64(), reader.ReadBoolean());

    private static int? FieldsOf(LocalFrameType type) => type switch
    {
        LocalFrameType.Hello => 3,
        LocalFrameType.Status => 1,
        LocalFrameType.Subscribe => 5,
        LocalFrameType.Unsubscribe => 2,
        LocalFrameType.Route => 4,
        LocalFrameType.Request => 6,
        LocalFrameType.Cancel => 1,
        LocalFrameType.Reply => 2,
        LocalFrameType.Decide => 3,
        LocalFrameType.Fail => 3,
        LocalFrameType.Welcome => 5,
        LocalFrameType.Refused => 3,
        LocalFrameType.StatusResult => 10,
        LocalFrameType.Subscribed => 2,
        LocalFrameType.Unsubscribed => 1,
        LocalFrameType.Deliver => 5,
        LocalFrameType.Forward => 6,
        LocalFrameType.Update => 4,
        LocalFrameType.Result => 4,
        LocalFrameType.Time => 2,
        _ => null,
    };

    private static LocalFrame ReadFromApplication(ref MessagePackReader reader, LocalFrameType type) =>
        type switch
        {
            LocalFrameType.Hello => new HelloFrame(
                reader.ReadInt32(), reader.ReadInt32(), ReadText(ref reader)),
            LocalFrameType.Status => new StatusFrame(reader.ReadInt64()),
            LocalFrameType.Subscribe => new SubscribeFrame(
                reader.ReadInt64(),
                reader.ReadInt32(),
                ReadText(ref reader),
                ReadRole(ref reader),
                reader.ReadBoolean()),
            LocalFrameType.Unsubscribe => new UnsubscribeFrame(reader.ReadInt64(), reader.ReadInt32()),
            LocalFrameType.Route => new RouteFrame(
                reader.ReadInt32(), KeyCodec.Read(ref reader), reader.ReadBoolean(), ReadPayload(ref reader)),
            LocalFrameType.Request => new RequestFrame(
                reader.ReadInt32(),
                reader.ReadInt64(),
                KeyCodec.Read(ref reader),
                reader.ReadBoolean(),
                ReadNumber(ref reader, 0, LocalProtocol.TimeoutMsMax, "timeout"),
                ReadPayload(ref reader)),
            LocalFrameType.Cancel => new CancelFrame(reader.ReadInt64()),
            LocalFrameType.Reply => new ReplyFrame(reader.ReadInt64(), ReadPayload(ref reader)),
            LocalFrameType.Fail => new FailFrame(
                reader.ReadInt64(), reader.ReadBoolean(), ReadText(ref reader)),
            _ => new DecideFrame(reader.ReadInt64(), reader.ReadBoolean(), ReadOptionalPayload(ref reader)),
        };

    private static LocalFrame ReadFromDaemon(
        ref MessagePackReader reader, LocalFrameType type, int optional) =>
        type switch
        {
            LocalFrameType.Welcome => new WelcomeFrame(
                reader.ReadInt32(),
                KeyCodec.Read(ref reader),
                ReadText(ref reader),
                ReadNumber(ref reader, 0, LocalProtocol.BodyBytesMax, "largest payload"),
                ReadText(ref reader),
                optional >= 2 ? ReadTime(ref reader) : default),
            LocalFrameType.Time => new TimeFrame(ReadTime(ref reader)),
            LocalFrameType.Refused => new RefusedFrame(
                reader.ReadInt64(), (RefusalCode)reader.ReadInt32(), ReadText(ref reader)),
            LocalFrameType.StatusResult => new StatusResultFrame(
                reader.ReadInt64(), LocalStatusCodec.Read(ref reader, hasFigures: optional > 0)),
            LocalFrameType.Subscribed => new SubscribedFrame(reader.ReadInt64(), ReadNeighbours(ref reader)),
            LocalFrameType.Unsubscribed => new UnsubscribedFrame(reader.ReadInt64()),
            LocalFrameType.Deliver => new DeliverFrame(
                reader.ReadInt32(),
                KeyCodec.Read(ref reader),
                KeyCodec.Read(ref reader),
                reader.ReadInt64(),
                ReadPayload(ref reader),
                optional > 0 && reader.ReadBoolean(),
                optional > 1 ? reader.ReadUInt64() : 0),
            LocalFrameType.Forward => new ForwardFrame(
                reader.ReadInt32(),
                reader.ReadInt64(),
                KeyCodec.Read(ref reader),
                KeyCodec.Read(ref reader),
                KeyCodec.Read(ref reader),
                ReadPayload(ref reader)),
            LocalFrameType.Update => new UpdateFrame(
                reader.ReadInt32(),
                new NeighbourChange(
                    ReadNeighbours(ref reader), ReadKeys(ref reader), ReadDepartures(ref reader))),
            _ => new ResultFrame(
                reader.ReadInt64(),
                (KbrStatus)ReadNumber(ref reader, 0, (int)KbrStatus.Failed, "status"),
                KeyCodec.Read(ref reader),
                ReadPayload(ref reader),
                optional > 0 && !reader.TryReadNil() ? ReadText(ref reader) : null),
        };
}
