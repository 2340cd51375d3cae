using System.Buffers;
using System.Buffers.Binary;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Messages;

/// <summary>The parts that messages are made of.</summary>
internal static class MessageParts
{
    private const int TextLengthMax = 500;

    public static void Write(ref MessagePackWriter writer, RecordVersion version)
    {
        writer.Write(version.Clock);
        writer.Write(version.Writer);
    }

    public static void Write(ref MessagePackWriter writer, Arc arc)
    {
        KeyCodec.Write(ref writer, arc.Start);
        KeyCodec.Write(ref writer, arc.End);
    }

    public static void Write(ref MessagePackWriter writer, Fingerprint fingerprint)
    {
        writer.Write(fingerprint.Count);
        writer.WriteBinHeader(16);
        BinaryPrimitives.WriteUInt128BigEndian(writer.GetSpan(16), fingerprint.Sum);
        writer.Advance(16);
    }

    public static void Write(ref MessagePackWriter writer, IReadOnlyList<Key> keys)
    {
        writer.WriteArrayHeader(keys.Count);
        for (int at = 0; at < keys.Count; at++)
        {
            KeyCodec.Write(ref writer, keys[at]);
        }
    }

    public static RecordVersion ReadVersion(ref MessagePackReader reader) =>
        new(reader.ReadUInt64(), reader.ReadUInt64());

    public static Arc ReadArc(ref MessagePackReader reader)
    {
        Key start = KeyCodec.Read(ref reader);
        return new Arc(start, KeyCodec.Read(ref reader));
    }

    public static Fingerprint ReadFingerprint(ref MessagePackReader reader)
    {
        long count = reader.ReadInt64();
        ReadOnlyMemory<byte> sum = ReadBytes(ref reader);
        return sum.Length == 16
            ? new Fingerprint(count, BinaryPrimitives.ReadUInt128BigEndian(sum.Span))
            : throw new MessagePackSerializationException("a fingerprint has 16 bytes");
    }

    public static Key[] ReadKeys(ref MessagePackReader reader, int countMax)
    {
        var keys = new Key[ReadCount(ref reader, countMax)];
        for (int at = 0; at < keys.Length; at++)
        {
            keys[at] = KeyCodec.Read(ref reader);
        }

        return keys;
    }

    /// <summary>The length of an array, at most so much.</summary>
    public static int ReadCount(ref MessagePackReader reader, int countMax)
    {
        int count = reader.ReadArrayHeader();
        return count <= countMax
            ? count
            : throw new MessagePackSerializationException(
                $"a list has {count} entries, more than {countMax}");
    }

    /// <summary>Bytes, a slice of the message.</summary>
    public static ReadOnlyMemory<byte> ReadBytes(ref MessagePackReader reader)
    {
        ReadOnlySequence<byte>? bytes = reader.ReadBytes();
        return bytes is { IsSingleSegment: true }
            ? bytes.Value.First
            : throw new MessagePackSerializationException("bytes are missing");
    }

    /// <summary>A text for people, cut when it is long.</summary>
    public static string ReadText(ref MessagePackReader reader)
    {
        string text = reader.ReadString() ?? string.Empty;
        return text.Length <= TextLengthMax ? text : text[..TextLengthMax];
    }
}
