using System.Buffers.Binary;
using MessagePack;

namespace Igor.Kbr.Wire;

/// <summary>
/// The two frames on the hot path, Route and Reply, have a header of fixed width (MessagePack allows integers
/// and binaries to be written wider than they need be), so that a hop rewrites the few bytes that change and
/// passes the rest on as it came. Fields after the payload travel along.
/// </summary>
internal static class RoutedFrame
{
    /// <summary>Bytes of a Route frame before its payload field.</summary>
    public const int RouteHeaderBytes = 104;

    /// <summary>Bytes of a Reply frame before its payload field.</summary>
    public const int ReplyHeaderBytes = 46;

    /// <summary>Bytes of the payload field before the payload itself: its type and 32-bit length.</summary>
    public const int PayloadPrefixBytes = 5;

    /// <summary>Bytes of the field behind the payload that names a request.</summary>
    public const int RequestNumberBytes = 9;

    private const byte Array9 = 0x99;
    private const byte Array10 = 0x9A;
    private const byte Array5 = 0x95;
    private const byte ArrayMax = 0x9F;
    private const int HopIdOffset = 89;
    private const int HopsLeftOffset = 97;
    private const int TimeoutOffset = 100;
    private const int ReplyIdOffset = 3;

    /// <summary>
    /// Writes header and payload prefix of a Route frame; 109 bytes. The payload follows and, when the header
    /// has a request number, that (<see cref="WriteRequestNumber"/>).
    /// </summary>
    public static void WriteRoute(Span<byte> to, in RouteHeader header, int payloadLength)
    {
        to[0] = header.RequestNumber == 0 ? Array9 : Array10;
        to[1] = (byte)MessageType.Route;
        to[2] = MessagePackCode.Bin8;
        to[3] = ServiceId.SizeInBytes;
        header.Service.Write(to[4..]);
        KeyCodec.Write(to[20..], header.Destination);
        KeyCodec.Write(to[54..], header.Source);
        to[88] = MessagePackCode.UInt64;
        to[98] = (byte)header.Flags;
        to[99] = MessagePackCode.UInt32;
        RewriteRoute(to, header.HopId, header.HopsLeft, header.TimeoutMs);
        WritePayloadPrefix(to[RouteHeaderBytes..], payloadLength);
    }

    /// <summary>Writes the field that stands behind the payload of a request; 9 bytes.</summary>
    public static void WriteRequestNumber(Span<byte> to, ulong number)
    {
        to[0] = MessagePackCode.UInt64;
        BinaryPrimitives.WriteUInt64BigEndian(to[1..], number);
    }

    /// <summary>Replaces what changes from hop to hop.</summary>
    public static void RewriteRoute(Span<byte> header, ulong hopId, int hopsLeft, uint timeoutMs)
    {
        BinaryPrimitives.WriteUInt64BigEndian(header[HopIdOffset..], hopId);
        header[HopsLeftOffset] = (byte)hopsLeft;
        BinaryPrimitives.WriteUInt32BigEndian(header[TimeoutOffset..], timeoutMs);
    }

    public static bool TryReadRoute(
        ReadOnlyMemory<byte> body, out RouteHeader header, out ReadOnlyMemory<byte> payload)
    {
        header = default;
        payload = default;
        ReadOnlySpan<byte> b = body.Span;
        if (b.Length < RouteHeaderBytes + PayloadPrefixBytes || b[0] is < Array9 or > ArrayMax
            || b[2] != MessagePackCode.Bin8 || b[3] != ServiceId.SizeInBytes
            || !KeyCodec.TryRead(b[20..], out Key destination) || !KeyCodec.TryRead(b[54..], out Key source)
            || b[88] != MessagePackCode.UInt64 || b[97] > 0x7F || b[98] > 0x7F
            || b[99] != MessagePackCode.UInt32
            || !TryReadPayload(body[RouteHeaderBytes..], out payload))
        {
            return false;
        }

        ReadOnlySpan<byte> rest = b[(RouteHeaderBytes + PayloadPrefixBytes + payload.Length)..];
        header = new RouteHeader(
            ServiceId.Read(b[4..]),
            destination,
            source,
            BinaryPrimitives.ReadUInt64BigEndian(b[HopIdOffset..]),
            b[HopsLeftOffset],
            (RouteFlags)b[98],
            BinaryPrimitives.ReadUInt32BigEndian(b[TimeoutOffset..]),
            b[0] == Array9 ? 0 : ReadRequestNumber(rest));
        return true;
    }

    /// <summary>A peer of a later version may have another field there: that names no request.</summary>
    private static ulong ReadRequestNumber(ReadOnlySpan<byte> field) =>
        field.Length >= RequestNumberBytes && field[0] == MessagePackCode.UInt64
            ? BinaryPrimitives.ReadUInt64BigEndian(field[1..])
            : 0;

    /// <summary>A Route frame with another payload; fields behind it travel along.</summary>
    public static byte[] WithPayload(ReadOnlySpan<byte> route, int oldBytes, ReadOnlySpan<byte> payload)
    {
        const int PayloadOffset = RouteHeaderBytes + PayloadPrefixBytes;
        byte[] frame =
            [.. route[..PayloadOffset], .. payload, .. route[(PayloadOffset + oldBytes)..]];
        WritePayloadPrefix(frame.AsSpan(RouteHeaderBytes), payload.Length);
        return frame;
    }

    /// <summary>Writes header and payload prefix of a Reply frame; 51 bytes.</summary>
    public static void WriteReply(Span<byte> to, in ReplyHeader header, int payloadLength)
    {
        to[0] = Array5;
        to[1] = (byte)MessageType.Reply;
        to[2] = MessagePackCode.UInt64;
        RewriteReply(to, header.HopId);
        to[11] = (byte)header.Status;
        KeyCodec.Write(to[12..], header.Responder);
        WritePayloadPrefix(to[ReplyHeaderBytes..], payloadLength);
    }

    /// <summary>Replaces what changes from hop to hop.</summary>
    public static void RewriteReply(Span<byte> header, ulong hopId) =>
        BinaryPrimitives.WriteUInt64BigEndian(header[ReplyIdOffset..], hopId);

    public static bool TryReadReply(
        ReadOnlyMemory<byte> body, out ReplyHeader header, out ReadOnlyMemory<byte> payload)
    {
        header = default;
        payload = default;
        ReadOnlySpan<byte> b = body.Span;
        if (b.Length < ReplyHeaderBytes + PayloadPrefixBytes || b[0] is < Array5 or > ArrayMax
            || b[2] != MessagePackCode.UInt64 || b[11] > 0x7F || !KeyCodec.TryRead(b[12..], out Key responder)
            || !TryReadPayload(body[ReplyHeaderBytes..], out payload))
        {
            return false;
        }

        header = new ReplyHeader(
            BinaryPrimitives.ReadUInt64BigEndian(b[ReplyIdOffset..]), (ReplyStatus)b[11], responder);
        return true;
    }

    private static void WritePayloadPrefix(Span<byte> to, int length)
    {
        to[0] = MessagePackCode.Bin32;
        BinaryPrimitives.WriteUInt32BigEndian(to[1..], (uint)length);
    }

    private static bool TryReadPayload(ReadOnlyMemory<byte> field, out ReadOnlyMemory<byte> payload)
    {
        ReadOnlySpan<byte> f = field.Span;
        uint length = BinaryPrimitives.ReadUInt32BigEndian(f[1..]);
        bool isThere = f[0] == MessagePackCode.Bin32 && length <= f.Length - PayloadPrefixBytes;
        payload = isThere ? field.Slice(PayloadPrefixBytes, (int)length) : default;
        return isThere;
    }
}
