using System.Security.Cryptography;
using System.Text;
using Igor.Kbr;

namespace Igor.Dht;

/// <summary>Where records lie on the ring.</summary>
public static class DhtKey
{
    /// <summary>Longest name of a record, in bytes of UTF-8.</summary>
    public const int NameBytesMax = 1024;

    /// <summary>
    /// The key of the `value` record of a name: SHA-256 of "value", a zero byte and the name in UTF-8.
    /// </summary>
    /// <exception cref="ArgumentException">The name is empty or longer than 1024 bytes.</exception>
    public static Key ForValue(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        byte[] bytes = Encoding.UTF8.GetBytes("value\0" + name);
        return bytes.Length <= NameBytesMax + 6
            ? Key.HashOf(bytes)
            : throw new ArgumentException($"A name has at most {NameBytesMax} bytes.", nameof(name));
    }

    /// <summary>The key of an `immutable` record: SHA-256 of its content.</summary>
    public static Key ForImmutable(ReadOnlySpan<byte> content) => Key.Read(SHA256.HashData(content));
}
