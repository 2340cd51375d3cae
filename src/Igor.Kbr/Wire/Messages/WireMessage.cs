using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>Writes and reads whole messages.</summary>
internal static class WireMessage
{
    public static void Write<TMessage>(IBufferWriter<byte> to, in TMessage message)
        where TMessage : struct, IWireMessage<TMessage>
    {
        var writer = new MessagePackWriter(to);
        writer.WriteArrayHeader(TMessage.FieldCount + 1);
        writer.Write((int)TMessage.Type);
        message.Write(ref writer);
        writer.Flush();
    }

    /// <summary>The type that a frame begins with, known or not; false when it is no message.</summary>
    public static bool TryReadType(ReadOnlyMemory<byte> body, out int type) => PeerCodec.TryRead(
        body,
        static (ref MessagePackReader reader) =>
        {
            PeerCodec.Require(reader.ReadArrayHeader() > 0, "a message has a type");
            return reader.ReadInt32();
        },
        out type,
        out _);

    /// <summary>Reads the message that a frame is; false, and the rule it breaks, when it is none.</summary>
    public static bool TryRead<TMessage>(
        ReadOnlyMemory<byte> body, out TMessage message, [NotNullWhen(false)] out string? rule)
        where TMessage : struct, IWireMessage<TMessage> =>
        PeerCodec.TryRead(body, Read<TMessage>, out message, out rule);

    private static TMessage Read<TMessage>(ref MessagePackReader reader)
        where TMessage : struct, IWireMessage<TMessage>
    {
        return reader.ReadArrayHeader() > TMessage.FieldCount && reader.ReadInt32() == (int)TMessage.Type
            ? TMessage.Read(ref reader)
            : throw new ProtocolException($"a {TMessage.Type} has its type and {TMessage.FieldCount} fields");
    }
}
