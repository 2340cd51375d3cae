using System.Buffers.Binary;
using System.Numerics;

namespace Igor.Dht.Protocol.Records;

/// <summary>
/// A record: its header, and the bytes that it was encoded to by whoever wrote it first. Replicas, segments
/// and readers pass those bytes on unchanged, so that nothing that a newer version added to them is lost.
/// </summary>
/// <param name="Header">Everything about it but its value.</param>
/// <param name="Encoded">
/// The whole record as encoded by <see cref="RecordCodec"/>. Owned by the record: never a pooled or reused
/// buffer.
/// </param>
public sealed record Record(RecordHeader Header, ReadOnlyMemory<byte> Encoded)
{
    /// <summary>
    /// CRC-32C of the encoded bytes: tells apart what two writers, or two roots that named other versions
    /// before it, made under one version. Of two the one with the larger digest remains.
    /// </summary>
    public uint Digest
    {
        get
        {
            ReadOnlySpan<byte> rest = Encoded.Span;
            uint crc = uint.MaxValue;
            for (; rest.Length >= sizeof(ulong); rest = rest[sizeof(ulong)..])
            {
                crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(rest));
            }

            foreach (byte one in rest)
            {
                crc = BitOperations.Crc32C(crc, one);
            }

            return ~crc;
        }
    }
}
