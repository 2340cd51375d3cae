using System.Buffers.Binary;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;
using LiteDB;

namespace Igor.Dht.Storage.Index;

/// <summary>
/// The documents of the index. Ids are bytes where order matters, for LiteDB compares text by culture and
/// case.
/// </summary>
internal static class IndexDocuments
{
    /// <summary>The document of a record. What is zero or none is left out.</summary>
    public static BsonDocument OfEntry(IndexEntry entry)
    {
        RecordHeader header = entry.Header;
        var document = new BsonDocument
        {
            ["_id"] = header.Key.ToBytes(),
            ["t"] = header.Type,
            ["c"] = (long)header.Version.Clock,
            ["w"] = (long)header.Version.Writer,
            ["r"] = header.Replicas,
            ["n"] = header.ValueLength,
            ["s"] = entry.Place.Segment,
            ["p"] = entry.Place.Offset,
            ["l"] = entry.Place.BodyLength,
        };
        if (header.ExpiresAtUnixMs != 0)
        {
            document["x"] = header.ExpiresAtUnixMs;
        }

        if (header.IsTombstone)
        {
            document["d"] = true;
        }

        if (header.Owner != Key.Zero)
        {
            document["o"] = header.Owner.ToBytes();
        }

        return document;
    }

    /// <summary>The record that a document stands for.</summary>
    public static IndexEntry ToEntry(BsonDocument document)
    {
        var header = new RecordHeader
        {
            Key = Key.Read(document["_id"].AsBinary),
            Type = string.Intern(document["t"].AsString),
            Version = new RecordVersion((ulong)document["c"].AsInt64, (ulong)document["w"].AsInt64),
            ExpiresAtUnixMs = document["x"].IsNull ? 0 : document["x"].AsInt64,
            Replicas = document["r"].AsInt32,
            IsTombstone = !document["d"].IsNull,
            Owner = document["o"].IsNull ? Key.Zero : Key.Read(document["o"].AsBinary),
            ValueLength = document["n"].AsInt32,
        };
        return new IndexEntry(
            header, new Place(document["s"].AsInt32, document["p"].AsInt64, document["l"].AsInt32));
    }

    /// <summary>The document of a note.</summary>
    public static BsonDocument OfNote(Note note) => new()
    {
        ["_id"] = System.Text.Encoding.UTF8.GetBytes(note.Name),
        ["v"] = note.Content,
        ["q"] = (long)note.Sequence,
        ["s"] = note.Place.Segment,
        ["p"] = note.Place.Offset,
        ["l"] = note.Place.BodyLength,
    };

    /// <summary>The note that a document stands for.</summary>
    public static Note ToNote(BsonDocument document) => new(
        System.Text.Encoding.UTF8.GetString(document["_id"].AsBinary),
        document["v"].AsBinary,
        (ulong)document["q"].AsInt64,
        new Place(document["s"].AsInt32, document["p"].AsInt64, document["l"].AsInt32));

    /// <summary>The document of a segment.</summary>
    public static BsonDocument OfSegment(int id, SegmentUse use) => new()
    {
        ["_id"] = id,
        ["b"] = use.LiveBytes,
        ["r"] = use.RemovalBytes,
        ["l"] = use.Length,
    };

    /// <summary>The segment that a document stands for.</summary>
    public static (int Id, SegmentUse Use) ToSegment(BsonDocument document) => (
        document["_id"].AsInt32,
        new SegmentUse(document["b"].AsInt64, document["r"].AsInt64, document["l"].AsInt64));

    /// <summary>The document that says how far the index reaches.</summary>
    public static BsonDocument OfState(int format, IndexBatch batch) => new()
    {
        ["_id"] = 1,
        ["format"] = format,
        ["segment"] = batch.End.Segment,
        ["offset"] = batch.End.Offset,
        ["records"] = batch.Records,
        ["bytes"] = batch.LiveBytes,
    };

    /// <summary>The id under which a key stands in the order of expiry.</summary>
    public static byte[] ExpiryId(long unixMs, Key key)
    {
        var id = new byte[8 + Key.SizeInBytes];
        BinaryPrimitives.WriteInt64BigEndian(id, unixMs);
        key.Write(id.AsSpan(8));
        return id;
    }
}
