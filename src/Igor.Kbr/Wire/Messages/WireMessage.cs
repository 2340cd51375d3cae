using System.Diagnostics.CodeAnalysis;
using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>
/// Reads messages: the one place where what MessagePack throws at bytes of others becomes a value.
/// </summary>
internal static class WireMessage
{
    /// <summary>Begins a message that has so many fields after its type.</summary>
    public static void Begin(ref MessagePackWriter writer, MessageType type, int fields)
    {
        writer.WriteArrayHeader(fields + 1);
        writer.Write((int)type);
    }

    /// <summary>The type that a frame begins with, known or not; false when it is no message.</summary>
    public static bool TryReadType(ReadOnlyMemory<byte> body, out int type)
    {
        type = 0;
        try
        {
            var reader = new MessagePackReader(body);
            if (reader.ReadArrayHeader() == 0)
            {
                return false;
            }

            type = reader.ReadInt32();
            return true;
        }
        catch (Exception e) when (PeerCodec.IsDecodeFailure(e))
        {
            return false;
        }
    }

    /// <summary>
    /// Reads the message that a frame is; false, and the rule that it breaks, when it is none.
    /// </summary>
    public static bool TryRead<TMessage>(
        ReadOnlyMemory<byte> body, out TMessage message, [NotNullWhen(false)] out string? rule)
        where TMessage : struct, IWireMessage<TMessage>
    {
        try
        {
            message = Read<TMessage>(body);
            rule = null;
            return true;
        }
        catch (Exception e) when (PeerCodec.IsDecodeFailure(e))
        {
            message = default;
            rule = e is ProtocolException ? e.Message : $"a {TMessage.Type} is malformed: {e.Message}";
            return false;
        }
    }

    private static TMessage Read<TMessage>(ReadOnlyMemory<byte> body)
        where TMessage : struct, IWireMessage<TMessage>
    {
        var reader = new MessagePackReader(body);
        int fields = reader.ReadArrayHeader() - 1;
        if (fields < TMessage.FieldsMin || reader.ReadInt32() != (int)TMessage.Type)
        {
            throw new ProtocolException($"a {TMessage.Type} has its type and {TMessage.FieldsMin} fields");
        }

        return TMessage.Read(ref reader, fields);
    }
}
