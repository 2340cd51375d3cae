using System.Buffers;
using CsCheck;
using MessagePack;

namespace Igor.Kbr.Tests.Keys;

public class KeyCodecTests
{
    [Fact]
    public void Key_round_trips_as_a_binary_of_32_bytes() => KeyTests.Keys.Sample(key =>
    {
        byte[] written = Written(key);
        Assert.Equal([0xC4, 32, .. key.ToBytes()], written);
        var reader = new MessagePackReader(written);
        Assert.Equal(key, KeyCodec.Read(ref reader));
        Assert.True(reader.End);
        Assert.True(KeyCodec.TryRead(written, out Key read) && read == key);
    });

    [Fact]
    public void Span_with_another_length_or_type_is_no_key()
    {
        byte[] written = Written(Key.Max);
        Assert.False(KeyCodec.TryRead(written.AsSpan(0, written.Length - 1), out _));
        Assert.False(KeyCodec.TryRead([0xC4, 31, .. written[2..]], out _));
        Assert.False(KeyCodec.TryRead([0xC5, 32, .. written[2..]], out _));
    }

    [Fact]
    public void Binary_of_another_length_is_refused_and_text_cannot_be_read()
    {
        Assert.Throws<MessagePackSerializationException>(() => Read([0xC4, 2, 1, 2]));
        Assert.Throws<MessagePackSerializationException>(() => Read([0xC0]));
        Assert.Throws<MessagePackSerializationException>(() => Read([0x01]));
    }

    private static Key Read(byte[] bytes)
    {
        var reader = new MessagePackReader(bytes);
        return KeyCodec.Read(ref reader);
    }

    private static byte[] Written(Key key)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        KeyCodec.Write(ref writer, key);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
