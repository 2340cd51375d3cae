using System.Buffers;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Wire.Messages;

internal static class MessageBytes
{
    /// <summary>The frame of a message.</summary>
    public static byte[] Of<TMessage>(in TMessage message)
        where TMessage : struct, IWireMessage<TMessage>
    {
        var buffer = new ArrayBufferWriter<byte>();
        WireMessage.Write(buffer, message);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The message that a frame is.</summary>
    public static TMessage Read<TMessage>(byte[] frame)
        where TMessage : struct, IWireMessage<TMessage>
    {
        Assert.True(WireMessage.TryRead(frame, out TMessage message, out string? rule), rule);
        return message;
    }
}
