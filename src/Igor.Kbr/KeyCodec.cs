using System.Buffers;
using MessagePack;

namespace Igor.Kbr;

/// <summary>
/// The one MessagePack form of a key, in every message between nodes and on the local socket, and in those of
/// applications: a binary of 32 bytes.
/// </summary>
public static class KeyCodec
{
    /// <summary>Bytes that a written key takes: its type, its length and itself.</summary>
    public const int SizeInBytes = 2 + Key.SizeInBytes;

    /// <summary>Writes a key.</summary>
    public static void Write(ref MessagePackWriter writer, Key key)
    {
        Write(writer.GetSpan(SizeInBytes), key);
        writer.Advance(SizeInBytes);
    }

    /// <summary>Writes a key where a frame is laid out by hand; 34 bytes.</summary>
    public static void Write(Span<byte> destination, Key key)
    {
        destination[0] = MessagePackCode.Bin8;
        destination[1] = Key.SizeInBytes;
        key.Write(destination[2..]);
    }

    /// <summary>Reads a key.</summary>
    /// <exception cref="MessagePackSerializationException">There is something else.</exception>
    public static Key Read(ref MessagePackReader reader) =>
        TryRead(ref reader, out Key key)
            ? key
            : throw new MessagePackSerializationException("a key has 32 bytes");

    /// <summary>Reads a key; false when the binary has another length, or nil stands there.</summary>
    /// <exception cref="MessagePackSerializationException">There is no binary.</exception>
    public static bool TryRead(ref MessagePackReader reader, out Key key)
    {
        key = default;
        if (reader.ReadBytes() is not { Length: Key.SizeInBytes } bytes)
        {
            return false;
        }

        Span<byte> copy = stackalloc byte[Key.SizeInBytes];
        bytes.CopyTo(copy);
        key = Key.Read(copy);
        return true;
    }

    /// <summary>Reads a key where a frame is laid out by hand; false when none is there.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out Key key)
    {
        bool isKey = source.Length >= SizeInBytes
            && source[0] == MessagePackCode.Bin8 && source[1] == Key.SizeInBytes;
        key = isKey ? Key.Read(source[2..]) : default;
        return isKey;
    }
}
