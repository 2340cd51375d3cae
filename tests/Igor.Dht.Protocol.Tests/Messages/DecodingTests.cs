using Igor.Dht.Protocol.Messages;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Tests.Messages;

public class DecodingTests
{
    private static readonly byte[] s_describe = Bytes(
        buffer => SyncMessages.WriteDescribe(buffer, Key.HashOf("a")));

    [Fact]
    public void Message_of_the_kind_that_is_wanted_is_read()
    {
        Assert.True(Decoding.TryRead(s_describe, MessageKind.Describe, KeyCodec.Read, out Key key));
        Assert.Equal(Key.HashOf("a"), key);
        Assert.False(Decoding.TryRead(s_describe, MessageKind.Sync, KeyCodec.Read, out _));
    }

    [Fact]
    public void Message_that_ends_early_is_none_and_says_why()
    {
        Assert.True(Decoding.TryReadKind(s_describe.AsMemory(0, 3), out MessageKind kind, out _));
        Assert.Equal(MessageKind.Describe, kind);
        Assert.False(Decoding.TryRead(s_describe.AsMemory(0, 9), KeyCodec.Read, out _, out string fault));
        Assert.NotEmpty(fault);
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0x90 })]
    [InlineData(new byte[] { 0xc1, 1 })]
    [InlineData(new byte[] { 0x91, 0xa1, 0x61 })]
    public void Bytes_without_a_kind_are_none(byte[] bytes)
    {
        Assert.False(Decoding.TryReadKind(bytes, out MessageKind kind, out string fault));
        Assert.Equal(default, kind);
        Assert.NotEmpty(fault);
    }

    [Fact]
    public void Fault_of_the_code_that_reads_is_not_taken_for_one_of_the_bytes()
    {
        Assert.Throws<NotSupportedException>(
            () => Decoding.TryRead<Key>(s_describe, Broken, out _, out _));
    }

    private static Key Broken(ref MessagePackReader reader) => throw new NotSupportedException();

    private static byte[] Bytes(Action<PayloadBuffer> write)
    {
        var buffer = new PayloadBuffer();
        write(buffer);
        return buffer.Written.ToArray();
    }
}
