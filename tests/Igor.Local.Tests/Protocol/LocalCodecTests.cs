using System.Buffers;
using System.Buffers.Binary;
using CsCheck;
using Igor.Kbr;
using Igor.Local.Protocol;
using MessagePack;

namespace Igor.Local.Tests.Protocol;

public sealed class LocalCodecTests
{
    [Fact]
    public void Frame_survives_writing_and_reading() => LocalFrames.Any.Sample(frame =>
    {
        byte[] bytes = Encode(frame);
        Assert.Equal(frame.GetType(), Read(bytes).GetType());
        Assert.Equal(bytes, Encode(Read(bytes))); // nothing is lost on the way
    });

    [Fact]
    public void Arbitrary_bytes_end_in_a_frame_or_an_explanation() =>
        Gen.Byte.Array[0, 200].Sample(bytes => ReadsOrExplains(bytes), iter: 50_000);

    [Fact]
    public void Damaged_frame_ends_in_a_frame_or_an_explanation() => Gen.Select(
        LocalFrames.Any, Gen.Int[0, 10_000], Gen.Byte, Gen.Bool, (frame, at, value, cuts) =>
        {
            byte[] bytes = Encode(frame);
            at %= bytes.Length;
            bytes[at] = value;
            return cuts ? bytes[..at] : bytes;
        }).Sample(bytes => ReadsOrExplains(bytes), iter: 20_000);

    [Fact]
    public void Fields_of_a_later_version_are_ignored()
    {
        byte[] known = Encode(new CancelFrame(77));
        byte[] extended = [.. known, 0x93, 1, 2, 3]; // one more field, an array
        extended[0]++;
        Assert.Equal(new CancelFrame(77), Read(extended));
    }

    [Fact]
    public void Fields_of_a_later_version_inside_a_list_are_ignored()
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(3);
        writer.Write((int)LocalFrameType.Subscribed);
        writer.Write(5);
        writer.WriteArrayHeader(7); // a neighbour set has 6
        writer.Write(new byte[Key.SizeInBytes]);
        writer.Write(true);
        writer.WriteArrayHeader(0);
        writer.WriteArrayHeader(0);
        writer.Write(9);
        writer.Write(true);
        writer.WriteMapHeader(1);
        writer.Write("later");
        writer.WriteArrayHeader(0);
        writer.Flush();
        var frame = Assert.IsType<SubscribedFrame>(Read(buffer.WrittenSpan.ToArray()));
        Assert.Equal(9, frame.Neighbours.Version);
        Assert.True(frame.Neighbours.IsAlone);
    }

    [Fact]
    public void Delivery_that_does_not_say_so_has_no_proven_source_and_no_number()
    {
        byte[] bytes = Encode(
            new DeliverFrame(1, default, default, 2, new byte[] { 3 }, IsSourceProven: true, 5));
        var frame = Assert.IsType<DeliverFrame>(Read(bytes));
        Assert.Equal((true, 5ul), (frame.IsSourceProven, frame.RequestNumber));
        bytes[0]--;
        frame = Assert.IsType<DeliverFrame>(Read(bytes[..^1]));
        Assert.Equal((true, 0ul), (frame.IsSourceProven, frame.RequestNumber));
        bytes[0]--;
        Assert.False(Assert.IsType<DeliverFrame>(Read(bytes[..^2])).IsSourceProven);
    }

    [Fact]
    public void Status_of_a_daemon_that_tells_no_figures_is_read()
    {
        var status = new HostStatus(
            Key.Max,
            "igor",
            "1.2.3",
            [],
            new RingStanding(RingState.Joined, string.Empty),
            [],
            [],
            [],
            OverlayFigures.Unknown);
        const int figuresBytes = 1 + 1 + 1 + 1 + 9 + 9;
        byte[] bytes = Encode(new StatusResultFrame(5, status))[..^figuresBytes];
        bytes[0]--;
        HostStatus read = Assert.IsType<StatusResultFrame>(Read(bytes)).Status;
        Assert.Equal(("1.2.3", OverlayFigures.Unknown), (read.Version, read.Figures));
    }

    [Fact]
    public void Type_of_a_later_version_is_named() =>
        Assert.Equal(new UnknownFrame(4711), Read([0x92, 0xcd, 0x12, 0x67, 0xc0]));

    [Fact]
    public void Deep_nesting_does_not_exhaust_the_stack()
    {
        byte[] deep =
            [.. Encode(new SubscribedFrame(1, NeighbourSet.Alone(default, true))), .. new byte[1_000_000]];
        deep.AsSpan(deep.Length - 1_000_000).Fill(0x91);
        deep[2 + 1]++; // the neighbour set gets one more field, the arrays in arrays
        deep[3] = 0x96;
        ReadsOrExplains(deep);
    }

    [Theory]
    [InlineData(new byte[] { }, "")]
    [InlineData(new byte[] { 0xc0 }, "")] // nil
    [InlineData(new byte[] { 0x90 }, "")] // no type
    [InlineData(new byte[] { 0x91, 0x01 }, "3 fields")] // a hello without fields
    [InlineData(new byte[] { 0x93, 0x08, 0x01, 0xc0 }, "payload is missing")]
    [InlineData(new byte[] { 0xdd, 0xff, 0xff, 0xff, 0xff, 0x01 }, "")] // four billion fields
    public void Frame_that_is_wrong_is_explained(byte[] body, string explanation)
    {
        Assert.False(LocalFrameReader.TryRead(body, out _, out string? error));
        Assert.Contains(explanation, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_that_is_too_long_is_refused()
    {
        byte[] bytes = Encode(new HelloFrame(1, 1, new string('x', LocalProtocol.TextBytesMax + 1)));
        Assert.False(LocalFrameReader.TryRead(bytes, out _, out string? error));
        Assert.Contains("too long", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Payload_is_a_slice_of_the_frame()
    {
        byte[] bytes = Encode(new ReplyFrame(1, new byte[] { 1, 2, 3 }));
        var frame = Assert.IsType<ReplyFrame>(Read(bytes));
        bytes[^1] = 9;
        Assert.Equal([1, 2, 9], frame.Payload.ToArray());
    }

    [Fact]
    public void Buffer_holds_frames_with_their_lengths_and_refuses_what_is_beyond_its_bound()
    {
        using var buffer = new FrameBuffer();
        Assert.True(buffer.TryAppend(new CancelFrame(1), 20));
        int one = buffer.Length;
        Assert.True(buffer.TryAppend(new CancelFrame(2), 20));
        Assert.False(buffer.TryAppend(new ReplyFrame(3, new byte[20]), 20));
        Assert.Equal(2 * one, buffer.Length);
        Assert.Equal(one - 4, BinaryPrimitives.ReadInt32BigEndian(buffer.Written.Span[one..]));
        Assert.Equal(new CancelFrame(2), Read(buffer.Written[(one + 4)..].ToArray()));
    }

    private static byte[] Encode(LocalFrame frame)
    {
        var buffer = new ArrayBufferWriter<byte>();
        LocalFrameWriter.Write(buffer, frame);
        return buffer.WrittenSpan.ToArray();
    }

    private static LocalFrame Read(byte[] body)
    {
        Assert.True(LocalFrameReader.TryRead(body, out LocalFrame? frame, out string? error), error);
        return frame;
    }

    private static void ReadsOrExplains(byte[] body)
    {
        bool isRead = LocalFrameReader.TryRead(body, out LocalFrame? frame, out string? error);
        Assert.Equal(isRead, frame is not null);
        Assert.Equal(isRead, error is null);
    }
}
