using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>What a control request asks the overlay at a ring's root.</summary>
internal enum ControlKind
{
    /// <summary>Who is near the destination? The answer is a <see cref="NearReply"/>.</summary>
    Near = 0,
}

/// <summary>The payload of a control request: [kind, ...].</summary>
internal static class ControlQuery
{
    private static readonly byte[] NearPayload = [MessagePackCode.MinFixArray + 1, (byte)ControlKind.Near];

    /// <summary>Asks who is near the destination.</summary>
    public static ReadOnlySpan<byte> Near => NearPayload;

    /// <summary>Reads what is asked, known or not; false when the payload asks nothing.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> payload, out ControlKind kind)
    {
        bool isQuery = WireMessage.TryReadType(payload, out int number);
        kind = (ControlKind)number;
        return isQuery;
    }
}
