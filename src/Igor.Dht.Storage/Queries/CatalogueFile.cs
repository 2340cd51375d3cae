using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;
using LiteDB;
using LiteDB.Engine;

namespace Igor.Dht.Storage.Queries;

/// <summary>The catalogue in LiteDB, while it is open: for one thread.</summary>
internal sealed class CatalogueFile : IDisposable
{
    private const string Records = "records";
    private const string State = "state";
    private const int Format = 1;

    private readonly UnsyncedStream _data;
    private readonly UnsyncedStream _log;
    private readonly LiteEngine _engine;

    /// <summary>Opens the catalogue in a folder, or makes an empty one.</summary>
    public CatalogueFile(string folder)
    {
        OwnFiles.MakeFolder(folder);
        _data = OpenStream(folder, "catalogue.db");
        _log = OpenStream(folder, "catalogue-log.db");
        try
        {
            _engine = new LiteEngine(new EngineSettings
            {
                DataStream = _data,
                LogStream = _log,
                TempStream = new MemoryStream(),
                Collation = Collation.Binary,
            });
            _engine.EnsureIndex(Records, "t", BsonExpression.Create("$.t"), unique: false);
            _engine.EnsureIndex(Records, "o", BsonExpression.Create("$.o"), unique: false);
            _engine.EnsureIndex(Records, "x", BsonExpression.Create("$.x"), unique: false);
        }
        catch
        {
            _engine?.Dispose();
            _data.Dispose();
            _log.Dispose();
            throw;
        }
    }

    /// <summary>Up to where the catalogue has all of the log.</summary>
    public LogPosition ReadEnd()
    {
        using IBsonDataReader reader = _engine.Query(State, new Query());
        return reader.Read() && reader.Current["format"] == Format
            ? new LogPosition(reader.Current["segment"].AsInt32, reader.Current["offset"].AsInt64)
            : default;
    }

    /// <summary>Says up to where the catalogue has all of the log.</summary>
    public void WriteEnd(LogPosition end) => _engine.Upsert(
        State,
        [
            new BsonDocument
            {
                ["_id"] = 1, ["format"] = Format, ["segment"] = end.Segment, ["offset"] = end.Offset,
            },
        ],
        BsonAutoId.ObjectId);

    /// <summary>Takes records in, in one transaction.</summary>
    public void Take(IEnumerable<RecordHeader> headers)
    {
        _engine.Upsert(Records, headers.Select(DocumentOf), BsonAutoId.ObjectId);
        _engine.Checkpoint(); // what LiteDB has in its log, it has in memory too
    }

    /// <summary>Takes keys out.</summary>
    public void Forget(IEnumerable<Key> keys)
    {
        _engine.Delete(Records, keys.Select(key => new BsonValue(key.ToBytes())));
        _engine.Checkpoint();
    }

    /// <summary>The keys of what a query wants, whatever their order.</summary>
    public HashSet<Key> Select(RecordQuery query)
    {
        var wanted = new Query();
        if (query.Owner is Key owner)
        {
            wanted.Where.Add(Query.EQ("o", owner.ToBytes()));
        }

        if (query.EndsBeforeUnixMs is long end)
        {
            wanted.Where.Add(Query.LT("x", end));
            wanted.Where.Add(Query.GT("x", 0L));
        }

        if (query.Type is string type)
        {
            wanted.Where.Add(Query.EQ("t", type));
        }

        var keys = new HashSet<Key>();
        using IBsonDataReader reader = _engine.Query(Records, wanted);
        while (reader.Read())
        {
            keys.Add(Key.Read(reader.Current["_id"].AsBinary));
        }

        return keys;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _engine.Dispose();
        _data.Dispose();
        _log.Dispose();
    }

    private static UnsyncedStream OpenStream(string folder, string name) => new(OwnFiles.OpenStream(
        Path.Combine(folder, name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));

    // Ids are bytes, for LiteDB compares text by culture and case.
    private static BsonDocument DocumentOf(RecordHeader header)
    {
        var document = new BsonDocument { ["_id"] = header.Key.ToBytes(), ["t"] = header.Type };
        if (header.ExpiresAtUnixMs != 0)
        {
            document["x"] = header.ExpiresAtUnixMs;
        }

        if (header.Owner != Key.Zero)
        {
            document["o"] = header.Owner.ToBytes();
        }

        return document;
    }
}
