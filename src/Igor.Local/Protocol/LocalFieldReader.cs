using System.Buffers;
using System.Collections.Immutable;
using Igor.Kbr;
using Igor.Kbr.Wire;
using MessagePack;

namespace Igor.Local.Protocol;

/// <summary>
/// Reads the kinds of fields that frames are made of. What is wrong leaves as
/// <see cref="MessagePackSerializationException"/> or as one of the exceptions that
/// <see cref="LocalFrameReader"/> turns into a protocol error.
/// </summary>
internal static class LocalFieldReader
{
    public static string ReadText(ref MessagePackReader reader)
    {
        ReadOnlySequence<byte> utf8 = reader.ReadStringSequence() ?? throw Wrong("a text is missing");
        return utf8.Length <= LocalProtocol.TextBytesMax
            ? StrictUtf8.TextOf(utf8) ?? throw Wrong("a text is not UTF-8")
            : throw Wrong("a text is too long");
    }

    public static ReadOnlyMemory<byte> ReadPayload(ref MessagePackReader reader) =>
        ReadOptionalPayload(ref reader) ?? throw Wrong("a payload is missing");

    public static ReadOnlyMemory<byte>? ReadOptionalPayload(ref MessagePackReader reader) =>
        reader.ReadBytes()?.First; // one segment: the frame's own buffer

    public static ServiceRole ReadRole(ref MessagePackReader reader) =>
        reader.ReadInt32() is int role and >= 0 and <= (int)ServiceRole.Member
            ? (ServiceRole)role
            : throw Wrong("a role is 0 (client) or 1 (member)");

    public static int ReadNumber(ref MessagePackReader reader, int minimum, int maximum, string name)
    {
        int value = reader.ReadInt32();
        return value >= minimum && value <= maximum
            ? value
            : throw Wrong($"the {name} must be {minimum} to {maximum}");
    }

    public static int ReadListLength(ref MessagePackReader reader)
    {
        int length = reader.ReadArrayHeader();
        return length <= LocalProtocol.ListLengthMax ? length : throw Wrong("a list is too long");
    }

    /// <summary>
    /// Opens an element that is an array itself: at least so many fields, the rest is for later.
    /// </summary>
    public static int ReadElement(ref MessagePackReader reader, int fieldsMin)
    {
        int fields = reader.ReadArrayHeader();
        return fields >= fieldsMin ? fields - fieldsMin : throw Wrong("an element lacks fields");
    }

    public static ImmutableArray<Key> ReadKeys(ref MessagePackReader reader)
    {
        int length = ReadListLength(ref reader);
        ImmutableArray<Key>.Builder keys = ImmutableArray.CreateBuilder<Key>(length);
        for (int i = 0; i < length; i++)
        {
            keys.Add(KeyCodec.Read(ref reader));
        }

        return keys.MoveToImmutable();
    }

    public static ImmutableArray<string> ReadTexts(ref MessagePackReader reader)
    {
        int length = ReadListLength(ref reader);
        ImmutableArray<string>.Builder texts = ImmutableArray.CreateBuilder<string>(length);
        for (int i = 0; i < length; i++)
        {
            texts.Add(ReadText(ref reader));
        }

        return texts.MoveToImmutable();
    }

    public static NeighbourSet ReadNeighbours(ref MessagePackReader reader)
    {
        int rest = ReadElement(ref reader, 5);
        var neighbours = new NeighbourSet(
            KeyCodec.Read(ref reader),
            reader.ReadBoolean(),
            ReadKeys(ref reader),
            ReadKeys(ref reader),
            reader.ReadInt64(),
            rest > 0 && reader.ReadBoolean());
        FurtherFields.Skip(ref reader, rest - 1);
        return neighbours;
    }

    public static ImmutableArray<Departure> ReadDepartures(ref MessagePackReader reader)
    {
        int length = ReadListLength(ref reader);
        ImmutableArray<Departure>.Builder departures = ImmutableArray.CreateBuilder<Departure>(length);
        for (int i = 0; i < length; i++)
        {
            int rest = ReadElement(ref reader, 2);
            Key id = KeyCodec.Read(ref reader);
            int reason = ReadNumber(ref reader, 0, (int)DepartureReason.Displaced, "reason");
            departures.Add(new Departure(id, (DepartureReason)reason));
            FurtherFields.Skip(ref reader, rest);
        }

        return departures.MoveToImmutable();
    }

    public static MessagePackSerializationException Wrong(string what) => new(what);
}
