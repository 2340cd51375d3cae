using System.Buffers.Binary;
using System.Security.Cryptography;

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

    /// <summary>What a name has, for those whose name is refused.</summary>
    public const string NameRule = "1 to 64 characters, none of them a control character";

    /// <summary>The base overlay.</summary>
    public static ServiceId Base => default;

    /// <summary>The id of the service of that name.</summary>
    /// <exception cref="ArgumentException">
    /// The name is empty, longer than 64 characters, holds half of a surrogate pair, or a character that does
    /// not show (see <see cref="PrintableText"/>).
    /// </exception>
    public static ServiceId FromName(string name)
    {
        if (!IsValidName(name))
        {
            throw new ArgumentException($"A service name has {NameRule}.", nameof(name));
        }

        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(StrictUtf8.GetBytes(name, nameof(name)), hash);
        return Read(hash);
    }

    /// <summary>Whether a text can name a service or network: not what shows as another name.</summary>
    public static bool IsValidName(string? name) =>
        name is { Length: > 0 and <= NameLengthMax }
        && StrictUtf8.HasBytes(name)
        && PrintableText.Of(name) == name;

    /// <summary>Reads 16 big-endian bytes.</summary>
    public static ServiceId Read(ReadOnlySpan<byte> source) =>
        new(BinaryPrimitives.ReadUInt128BigEndian(source));

    /// <summary>Writes 16 big-endian bytes.</summary>
    public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, Value);

    /// <summary>The id as 32 hexadecimal digits.</summary>
    public override string ToString() =>
        Value.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
}
