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
        byte[] frame = new byte[headerBytes + payload.Length];
        RoutedFrame.WriteRoute(frame, header, payload.Length);
        payload.CopyTo(frame, headerBytes);
        return frame;
    }
}
