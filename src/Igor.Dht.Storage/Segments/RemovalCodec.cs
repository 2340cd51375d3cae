using System.Buffers.Binary;

namespace Igor.Dht.Storage.Segments;

/// <summary>
/// The body of a removal: the last segment of which it may hide something (4 bytes), at first the one in
/// which it is written.
/// </summary>
internal static class RemovalCodec
{
    /// <summary>Length of the body.</summary>
    public const int Bytes = 4;

    /// <summary>Writes the body.</summary>
    public static void Encode(Span<byte> destination, int hidesUpTo) =>
        BinaryPrimitives.WriteInt32LittleEndian(destination, hidesUpTo);

    /// <summary>Reads the body; 0 for one that says nothing.</summary>
    public static int Decode(ReadOnlySpan<byte> body) =>
        body.Length < Bytes ? 0 : BinaryPrimitives.ReadInt32LittleEndian(body);
}
