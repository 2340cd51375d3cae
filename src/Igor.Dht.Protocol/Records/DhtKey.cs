using System.Security.Cryptography;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Records;

/// <summary>
/// Where records lie on the ring: at the SHA-256 of the name of their type, a zero byte, and what tells them
/// apart within the type. So a record of one type never lies where one of another is looked for.
/// </summary>
public static class DhtKey
{
    /// <summary>Longest name of a record, in bytes.</summary>
    public const int NameBytesMax = 1024;

    /// <summary>The key of the `value` record of a name, in UTF-8.</summary>
    /// <exception cref="ArgumentException">
    /// The name is empty, longer than 1024 bytes, or holds half of a surrogate pair.
    /// </exception>
    public static Key ForValue(string name) => ForValue(StrictUtf8.GetBytes(name, nameof(name)));

    /// <summary>The key of the `value` record of a name, which may be any bytes.</summary>
    /// <exception cref="ArgumentException">The name is empty or longer than 1024 bytes.</exception>
    public static Key ForValue(ReadOnlySpan<byte> name) => name.Length is > 0 and <= NameBytesMax
        ? For(ValueRecordType.TypeName, name)
        : throw new ArgumentException(
            $"A name has 1 to {NameBytesMax} bytes, this has {name.Length}.", nameof(name));

    /// <summary>The name of the type of registers, which are no records: one history per key.</summary>
    public const string RegisterTypeName = "register";

    /// <summary>The key of the register of a name, in UTF-8.</summary>
    /// <inheritdoc cref="ForValue(string)" path="/exception"/>
    public static Key ForRegister(string name) => ForRegister(StrictUtf8.GetBytes(name, nameof(name)));

    /// <summary>The key of the register of a name, which may be any bytes.</summary>
    /// <inheritdoc cref="ForValue(ReadOnlySpan{byte})" path="/exception"/>
    public static Key ForRegister(ReadOnlySpan<byte> name) => name.Length is > 0 and <= NameBytesMax
        ? For(RegisterTypeName, name)
        : throw new ArgumentException(
            $"A name has 1 to {NameBytesMax} bytes, this has {name.Length}.", nameof(name));

    /// <summary>The key of an `immutable` record: it is told apart by its content.</summary>
    public static Key ForImmutable(ReadOnlySpan<byte> content) => For(ImmutableRecordType.TypeName, content);

    /// <summary>The key of a record of any type.</summary>
    /// <param name="type">The name of the record type.</param>
    /// <param name="discriminator">What tells its records apart, e.g. a name or the content.</param>
    /// <exception cref="ArgumentException">
    /// The type is empty, holds half of a surrogate pair, or the zero that ends it here.
    /// </exception>
    public static Key For(string type, ReadOnlySpan<byte> discriminator)
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        if (type.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("The name of a record type holds no zero character.", nameof(type));
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(StrictUtf8.GetBytes(type, nameof(type)));
        hash.AppendData([0]);
        hash.AppendData(discriminator);
        Span<byte> digest = stackalloc byte[Key.SizeInBytes];
        hash.GetHashAndReset(digest);
        return Key.Read(digest);
    }
}
