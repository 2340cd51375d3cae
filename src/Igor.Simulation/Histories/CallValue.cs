using System.Buffers.Binary;

namespace Igor.Simulation.Histories;

/// <summary>The value that a call writes: its number, and filling, so that sizes differ.</summary>
internal static class CallValue
{
    private const int SizesDiffer = 97;

    public static byte[] Of(int number)
    {
        byte[] value = new byte[sizeof(long) + (number % SizesDiffer)];
        BinaryPrimitives.WriteInt64BigEndian(value, number);
        return value;
    }

    /// <summary>The number; null when there is none.</summary>
    public static long? Read(ReadOnlyMemory<byte> value) => value.Length < sizeof(long)
        ? null
        : BinaryPrimitives.ReadInt64BigEndian(value.Span);
}
