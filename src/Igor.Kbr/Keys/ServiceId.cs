using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Igor.Kbr;

/// <summary>
/// Identifies a service (a virtual overlay): the first 128 bits of SHA-256 of its name. Service 0 is the base
/// overlay, which every node belongs to.
/// </summary>
public readonly record struct ServiceId(UInt128 Value)
{
    /// <summary>Size on the wire, in bytes (big-endian).</summary>
    public const int SizeInBytes = 16;

    /// <summary>Longest service name, in characters.</summary>
    public const int NameLengthMax = 64;

    /// <summary>The base overlay.</summary>
    public static ServiceId Base => default;

    /// <summary>The id of the service of that name.</summary>
    /// <exception cref="ArgumentException">The name is empty or longer than 64 characters.</exception>
    public static ServiceId FromName(string name)
    {
        if (!IsValidName(name))
        {
            throw new ArgumentException("A service name has 1 to 64 characters.", nameof(name));
        }

        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(name), hash);
        return Read(hash);
    }

    /// <summary>Whether a text can name a service.</summary>
    public static bool IsValidName(string? name) => name is { Length: > 0 and <= NameLengthMax };

    /// <summary>Reads 16 big-endian bytes.</summary>
    public static ServiceId Read(ReadOnlySpan<byte> source) =>
        new(BinaryPrimitives.ReadUInt128BigEndian(source));

    /// <summary>Writes 16 big-endian bytes.</summary>
    public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, Value);


    /// <summary>The id as 32 hexadecimal digits.</summary>
    public override string ToString() =>
        Value.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
}
