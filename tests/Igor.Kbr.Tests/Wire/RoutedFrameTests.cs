using System.Buffers;
using CsCheck;
using Igor.Kbr.Tests.Keys;
using Igor.Kbr.Wire;
using MessagePack;

namespace Igor.Kbr.Tests.Wire;

public class RoutedFrameTests
{
    private static readonly Gen<RouteHeader> Headers = Gen.Select(
        Gen.ULong, KeyTests.Keys, KeyTests.Keys, Gen.ULong, Gen.Int[0, 64], Gen.Int[0, 7], Gen.UInt,
        (s, d, o, id, hops, flags, ms) =>
            new RouteHeader(new ServiceId(s), d, o, id, hops, (RouteFlags)flags, ms));

    [Fact]
    public void Route_round_trips_and_is_valid_MessagePack() =>
        Gen.Select(Headers, Gen.Byte.Array[0, 100]).Sample((header, payload) =>
        {
            byte[] frame = Route(header, payload);
            Assert.True(
                RoutedFrame.TryReadRoute(frame, out RouteHeader read, out ReadOnlyMemory<byte> content));
            Assert.Equal(header, read);
            Assert.Equal(payload, content.ToArray());

            var reader = new MessagePackReader(frame);
            Assert.Equal(9, reader.ReadArrayHeader());
            Assert.Equal((int)MessageType.Route, reader.ReadInt32());
            Assert.Equal(header.Service, ServiceId.Read(reader.ReadBytes()!.Value.ToArray()));
            Assert.Equal(header.Destination, Key.Read(reader.ReadBytes()!.Value.ToArray()));
            Assert.Equal(header.Source, Key.Read(reader.ReadBytes()!.Value.ToArray()));
            Assert.Equal(header.HopId, reader.ReadUInt64());
            Assert.Equal(header.HopsLeft, reader.ReadInt32());
            Assert.Equal((int)header.Flags, reader.ReadInt32());
            Assert.Equal(header.TimeoutMs, reader.ReadUInt32());
            Assert.Equal(payload, reader.ReadBytes()!.Value.ToArray());
            Assert.True(reader.End);
        });

    [Fact]
    public void Number_of_a_request_stands_behind_the_payload_and_stays_when_that_is_replaced() =>
        Gen.Select(Headers, Gen.ULong[1, ulong.MaxValue], Gen.Byte.Array[0, 100]).Sample(
            (header, number, payload) =>
            {
                RouteHeader numbered = header with { RequestNumber = number };
                byte[] frame = Route(numbered, payload);
                Assert.True(
                    RoutedFrame.TryReadRoute(frame, out RouteHeader read, out ReadOnlyMemory<byte> content));
                Assert.Equal(numbered, read);
                Assert.Equal(payload, content.ToArray());
                var reader = new MessagePackReader(frame);
                Assert.Equal(10, reader.ReadArrayHeader());

                byte[] replaced = RoutedFrame.WithPayload(frame, payload.Length, [1, 2, 3]);
                Assert.True(RoutedFrame.TryReadRoute(replaced, out read, out content));
                Assert.Equal(numbered, read);
                Assert.Equal([1, 2, 3], content.ToArray());

                // A field of a later version in that place names no request.
                frame[RoutedFrame.RouteHeaderBytes + RoutedFrame.PayloadPrefixBytes + payload.Length] = 0xC0;
                Assert.True(RoutedFrame.TryReadRoute(frame, out read, out _));
                Assert.Equal(header, read);
            });

    [Fact]
    public void Rewriting_changes_what_changes_from_hop_to_hop_and_nothing_else()
    {
        var header = new RouteHeader(new ServiceId(5), Key.Max, Key.Zero, 1, 64, RouteFlags.Exact, 1000);
        byte[] frame = Route(header, [1, 2]);
        RoutedFrame.RewriteRoute(frame, 77, 63, 900);
        Assert.True(RoutedFrame.TryReadRoute(frame, out RouteHeader read, out _));
        Assert.Equal(header with { HopId = 77, HopsLeft = 63, TimeoutMs = 900 }, read);
    }

    [Fact]
    public void Reply_round_trips() =>
        Gen.Select(Gen.ULong, Gen.Int[0, 5], KeyTests.Keys, Gen.Byte.Array[0, 100]).Sample(
            (id, status, key, payload) =>
            {
                var header = new ReplyHeader(id, (ReplyStatus)status, key);
                int headerBytes = RoutedFrame.ReplyHeaderBytes + RoutedFrame.PayloadPrefixBytes;
                byte[] frame = new byte[headerBytes + payload.Length];
                RoutedFrame.WriteReply(frame, header, payload.Length);
                payload.CopyTo(frame, headerBytes);
                Assert.True(
                    RoutedFrame.TryReadReply(frame, out ReplyHeader read, out ReadOnlyMemory<byte> content));
                Assert.Equal(header, read);
                Assert.Equal(payload, content.ToArray());
            });

    [Fact]
    public void Any_prefix_or_noise_is_refused_without_an_exception() =>
        Gen.Select(Headers, Gen.Byte.Array[0, 40], Gen.Int[0, 200], Gen.Byte).Sample(
            (header, payload, at, value) =>
            {
                byte[] frame = Route(header, payload);
                RoutedFrame.TryReadRoute(frame.AsMemory(0, Math.Min(at, frame.Length)), out _, out _);
                frame[at % frame.Length] = value;
                RoutedFrame.TryReadRoute(frame, out _, out _);
                RoutedFrame.TryReadReply(frame, out _, out _);
            });

    private static byte[] Route(RouteHeader header, byte[] payload)
    {
        int headerBytes = RoutedFrame.RouteHeaderBytes + RoutedFrame.PayloadPrefixBytes;
        byte[] number = header.RequestNumber == 0 ? [] : new byte[RoutedFrame.RequestNumberBytes];
        if (number.Length > 0)
        {
            RoutedFrame.WriteRequestNumber(number, header.RequestNumber);
        }

        byte[] frame = [.. new byte[headerBytes], .. payload, .. number];
        RoutedFrame.WriteRoute(frame, header, payload.Length);
        return frame;
    }
}
