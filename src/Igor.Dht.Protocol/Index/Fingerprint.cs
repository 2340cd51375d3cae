using System.Buffers.Binary;
using System.Security.Cryptography;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>
/// Tells whether two nodes hold the same in an arc: the number of records, and the sum modulo 2^128 of a hash
/// of each (the first 16 bytes of SHA-256 of key, clock, writer and digest). Sums of parts add up to the sum
/// of the whole.
/// </summary>
public readonly record struct Fingerprint(long Count, UInt128 Sum)
{
    /// <summary>The fingerprint of nothing.</summary>
    public static Fingerprint Empty => default;

    /// <summary>The fingerprint of one record.</summary>
    public static Fingerprint Of(Key key, RecordVersion version, uint digest)
    {
        Span<byte> content = stackalloc byte[Key.SizeInBytes + 20];
        Span<byte> hash = stackalloc byte[32];
        key.Write(content);
        BinaryPrimitives.WriteUInt64BigEndian(content[Key.SizeInBytes..], version.Clock);
        BinaryPrimitives.WriteUInt64BigEndian(content[(Key.SizeInBytes + 8)..], version.Writer);
        BinaryPrimitives.WriteUInt32BigEndian(content[(Key.SizeInBytes + 16)..], digest);
        SHA256.HashData(content, hash);
        return new Fingerprint(1, BinaryPrimitives.ReadUInt128BigEndian(hash));
    }

    /// <summary>The fingerprint of both together.</summary>
    public static Fingerprint operator +(Fingerprint left, Fingerprint right) =>
        new(left.Count + right.Count, left.Sum + right.Sum);
}
