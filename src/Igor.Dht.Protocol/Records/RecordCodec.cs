using System.Buffers;
using System.Buffers.Binary;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Records;

/// <summary>
/// The encoding of records: a MessagePack array
/// [type, key, clock, writer, expiresAtUnixMs, replicas, isTombstone, owner, value]. Fields after these are
/// kept and ignored.
/// </summary>
public static class RecordCodec
{
    /// <summary>Longest name of a record type, in characters.</summary>
    public const int TypeLengthMax = 32;

    /// <summary>
    /// Most replicas that a record may ask for: what one side of the neighbour set can hold.
    /// </summary>
    public const int ReplicasMax = 8;

    /// <summary>
    /// Bytes that the encoding adds to a value, at most: some 200 for the fields that are known, the rest for
    /// those that come after them. Messages are sized by it.
    /// </summary>
    public const int OverheadBytesMax = 1024;

    private const int FieldCount = 9;

    /// <summary>Encodes a record. The header's value length is taken from the value.</summary>
    public static Record Encode(RecordHeader header, ReadOnlySpan<byte> value)
    {
        ArgumentNullException.ThrowIfNull(header);
        var buffer = new ArrayBufferWriter<byte>(value.Length + 160);
        var writer = new MessagePackWriter(buffer);
        WriteHeader(ref writer, header, value.Length);
        writer.WriteRaw(value);
        writer.Flush();
        return new Record(header with { ValueLength = value.Length }, buffer.WrittenMemory);
    }

    /// <summary>Writes all that stands before the value's bytes.</summary>
    internal static void WriteHeader(ref MessagePackWriter writer, RecordHeader header, int valueLength)
    {
        writer.WriteArrayHeader(FieldCount);
        writer.Write(header.Type);
        KeyCodec.Write(ref writer, header.Key);
        writer.Write(header.Version.Clock);
        writer.Write(header.Version.Writer);
        writer.Write(header.ExpiresAtUnixMs);
        writer.Write(header.Replicas);
        writer.Write(header.IsTombstone);
        if (header.Owner == Key.Zero)
        {
            writer.WriteBinHeader(0); // most records have none
        }
        else
        {
            KeyCodec.Write(ref writer, header.Owner);
        }

        writer.WriteBinHeader(valueLength);
    }

    /// <summary>
    /// The same record under another version: all other bytes stay, those of fields that are not known too.
    /// Null when its clock is not encoded in eight bytes, as every time of our days is.
    /// </summary>
    public static Record? WithVersion(Record record, RecordVersion version)
    {
        ArgumentNullException.ThrowIfNull(record);
        var reader = new MessagePackReader(record.Encoded);
        reader.ReadArrayHeader();
        reader.Skip(); // the type
        reader.Skip(); // the key
        int at = (int)reader.Consumed;
        byte[] encoded = record.Encoded.ToArray();
        if (version.Writer != record.Header.Version.Writer || encoded[at] != MessagePackCode.UInt64)
        {
            return null;
        }

        BinaryPrimitives.WriteUInt64BigEndian(encoded.AsSpan(at + 1), version.Clock);
        return new Record(record.Header with { Version = version }, encoded);
    }

    /// <summary>
    /// The record with a field more: the versions that its key had shortly before. One that has such a field
    /// already stays as it is.
    /// </summary>
    internal static Record WithEarlier(Record record, IReadOnlyList<RecordVersion> earlier)
    {
        const byte Header = MessagePackCode.MinFixArray + FieldCount;
        if (earlier.Count == 0 || record.Encoded.Span[0] != Header)
        {
            return record;
        }

        var buffer = new ArrayBufferWriter<byte>(record.Encoded.Length + 3 + (earlier.Count * 18));
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(FieldCount + 1);
        writer.WriteRaw(record.Encoded.Span[1..]);
        writer.WriteArrayHeader(earlier.Count * 2);
        foreach (RecordVersion version in earlier)
        {
            writer.Write(version.Clock);
            writer.Write(version.Writer);
        }

        writer.Flush();
        return record with { Encoded = buffer.WrittenMemory };
    }

    /// <summary>Whether a record says that its key had a version shortly before.</summary>
    internal static bool HasEarlier(Record record, RecordVersion version)
    {
        try
        {
            var reader = new MessagePackReader(record.Encoded);
            int fields = reader.ReadArrayHeader();
            for (int field = 0; field < FieldCount; field++)
            {
                reader.Skip();
            }

            for (int left = fields > FieldCount ? reader.ReadArrayHeader() / 2 : 0; left > 0; left--)
            {
                if (version == new RecordVersion(reader.ReadUInt64(), reader.ReadUInt64()))
                {
                    return true;
                }
            }
        }
        catch (Exception e) when (e is MessagePackSerializationException or EndOfStreamException
            or OverflowException)
        {
            return false; // a field of another kind, which nobody knows here
        }

        return false;
    }

    /// <summary>
    /// Decodes a record, which keeps the given memory. Returns null, and says why, for bytes that are none.
    /// </summary>
    public static Record? TryDecode(ReadOnlyMemory<byte> encoded, out string error)
    {
        try
        {
            error = string.Empty;
            RecordHeader? header = ReadHeader(encoded, ref error, out _);
            if (header is not null && encoded.Length > header.ValueLength + OverheadBytesMax)
            {
                error = $"a record has at most {OverheadBytesMax} bytes beside its value, "
                    + $"this has {encoded.Length - header.ValueLength}";
                return null;
            }

            return header is null ? null : new Record(header, encoded);
        }
        catch (Exception e) when (e is MessagePackSerializationException or EndOfStreamException
            or OverflowException or ArgumentException or InvalidOperationException)
        {
            error = "not a record: " + e.Message;
            return null;
        }
    }

    /// <summary>The value inside a record, a slice of its encoded bytes.</summary>
    public static ReadOnlyMemory<byte> ValueOf(Record record)
    {
        ArgumentNullException.ThrowIfNull(record);
        string error = string.Empty;
        ReadHeader(record.Encoded, ref error, out ReadOnlyMemory<byte> value);
        return value;
    }

    private static RecordHeader? ReadHeader(
        ReadOnlyMemory<byte> encoded, ref string error, out ReadOnlyMemory<byte> value)
    {
        value = default;
        var reader = new MessagePackReader(encoded);
        int fields = reader.ReadArrayHeader();
        if (fields < FieldCount)
        {
            error = $"a record has at least {FieldCount} fields, this has {fields}";
            return null;
        }

        ReadOnlySequence<byte> utf8 = reader.ReadStringSequence() ?? default;
        string type = StrictUtf8.TextOf(utf8) ?? string.Empty;
        bool hasKey = KeyCodec.TryRead(ref reader, out Key key);
        var version = new RecordVersion(reader.ReadUInt64(), reader.ReadUInt64());
        long expiresAt = reader.ReadInt64();
        int replicas = reader.ReadInt32();
        bool tombstone = reader.ReadBoolean();
        KeyCodec.TryRead(ref reader, out Key owner);
        ReadOnlySequence<byte>? bytes = reader.ReadBytes();
        if (type.Length is 0 or > TypeLengthMax)
        {
            error = $"the name of a record type is 1 to {TypeLengthMax} characters of UTF-8";
        }
        else if (!hasKey || bytes is null || expiresAt < 0)
        {
            error = "a record has a key of 32 bytes, a value and no negative expiry";
        }
        else if (replicas is < 1 or > ReplicasMax)
        {
            error = $"a record asks for 1 to {ReplicasMax} replicas, this for {replicas}";
        }
        else
        {
            value = bytes.Value.First;
            return new RecordHeader
            {
                Key = key,
                Type = type,
                Version = version,
                ExpiresAtUnixMs = expiresAt,
                Replicas = replicas,
                IsTombstone = tombstone,
                Owner = owner,
                ValueLength = (int)bytes.Value.Length,
            };
        }

        return null;
    }
}
