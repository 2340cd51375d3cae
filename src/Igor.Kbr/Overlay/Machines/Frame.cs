using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Machines;

/// <summary>A message as it came, its type known and the rest not yet decoded.</summary>
internal readonly struct Frame(ReadOnlyMemory<byte> body, int type)
{
    private const int FixedArray = 0x90;
    private const int FixedArrayMax = 0x9F;

    /// <summary>The whole frame; valid while it is handled.</summary>
    public ReadOnlyMemory<byte> Body => body;

    /// <summary>What kind of message it is; may be none that this node knows.</summary>
    public MessageType Type => (MessageType)type;

    /// <summary>Reads the head of a frame.</summary>
    /// <exception cref="ProtocolException">It is none.</exception>
    public static Frame Open(ReadOnlyMemory<byte> body)
    {
        ReadOnlySpan<byte> b = body.Span;
        if (b.Length >= 2 && b[0] is > FixedArray and <= FixedArrayMax && b[1] <= sbyte.MaxValue)
        {
            return new Frame(body, b[1]); // every message that this version writes begins like that
        }

        return WireMessage.TryReadType(body, out int type)
            ? new Frame(body, type)
            : throw new ProtocolException("a frame is an array that starts with its type");
    }

    /// <summary>Decodes the message.</summary>
    /// <exception cref="ProtocolException">The peer wrote something that makes no sense.</exception>
    public TMessage Read<TMessage>()
        where TMessage : struct, IWireMessage<TMessage> =>
        WireMessage.TryRead(body, out TMessage message, out string? rule)
            ? message
            : throw new ProtocolException(rule);
}
