using Igor.Dht.Storage.Segments;
using Igor.Kbr;
using LiteDB;
using LiteDB.Engine;

// The index in LiteDB: which records there are and where they lie. One thread writes, in batches; a
// reader-writer lock keeps readers out meanwhile, for LiteDB is not safe without. Everything here can be
// rebuilt from the segments, so any exception of LiteDB's means just that.

namespace Igor.Dht.Storage.Index;

/// <summary>The rebuildable index of a store.</summary>
internal sealed class LiteIndex : IDisposable
{
    private const string Records = "records";
    private const string Expiries = "expiries";
    private const string Segments = "segments";
    private const string Owners = "owners";
    private const string Notes = "notes";
    private const string State = "state";
    private const int Format = 1;

    // 16 MiB: what makes the page cache grow to its third size.
    private const long TrimmedAfterPages = 2000;

    // LiteDB keeps every page of its log in memory until a checkpoint.
    private const long LogBytesMax = 64 * PageStream.PageBytes;

    private readonly IndexFiles _files;
    private readonly ReaderWriterLockSlim _turn = new();
    private LiteEngine _engine;
    private long _trimmedAtPages;
    private bool _isClosed;

    private LiteIndex(IndexFiles files, LiteEngine engine)
    {
        _files = files;
        _engine = engine;
    }

    /// <summary>Bytes on disk, or held for it.</summary>
    public long DiskBytes => _files.DiskBytes;

    /// <summary>Whether it goes on in memory, because the disk is full or read-only.</summary>
    public bool IsHolding => _files.IsHolding;

    /// <inheritdoc cref="IndexFiles.HeldBytes"/>
    public long HeldBytes => _files.HeldBytes;

    /// <summary>Opens the index in a folder, or makes an empty one.</summary>
    /// <exception cref="IndexDamagedException">It cannot be relied upon.</exception>
    public static LiteIndex Open(string folder) => Start(() => IndexFiles.Open(folder));

    /// <summary>Makes an empty index in place of the one in a folder.</summary>
    /// <exception cref="IndexDamagedException">The disk failed.</exception>
    public static LiteIndex Replace(string folder) => Start(() => IndexFiles.Replace(folder));

    /// <inheritdoc cref="IndexFiles.Hold"/>
    public void Hold() => _files.Hold();

    /// <inheritdoc cref="IndexFiles.WriteHeld"/>
    public void WriteHeld()
    {
        _turn.EnterWriteLock();
        try
        {
            _files.WriteHeld();
        }
        finally
        {
            _turn.ExitWriteLock();
        }
    }

    /// <summary>
    /// Reads how far the index reaches, and what the store holds there; null when it is new.
    /// </summary>
    public LogPosition? Load(StoreUsage usage, IDictionary<string, Note> notes) => Reading(() =>
    {
        BsonDocument? state = All(State).FirstOrDefault();
        if (state is null)
        {
            return (LogPosition?)null;
        }

        if (state["format"].AsInt32 != Format)
        {
            throw new IndexDamagedException($"its format is {state["format"]}, not {Format}");
        }

        usage.Load(
            state["records"].AsInt64,
            state["bytes"].AsInt64,
            All(Owners).Select(owner => (Key.Read(owner["_id"].AsBinary), owner["b"].AsInt64)),
            All(Segments).Select(IndexDocuments.ToSegment));
        foreach (Note note in All(Notes).Select(IndexDocuments.ToNote))
        {
            notes[note.Name] = note;
        }

        return new LogPosition(state["segment"].AsInt32, state["offset"].AsInt64);
    });

    /// <summary>Finds the entry of a key.</summary>
    public IndexEntry? Find(Key key) => Reading(() =>
    {
        var query = new Query { Limit = 1 };
        query.Where.Add(Query.EQ("_id", key.ToBytes()));
        return Run(Records, query).Select(IndexDocuments.ToEntry).FirstOrDefault();
    });

    /// <summary>Lists entries in the order of their keys.</summary>
    /// <param name="from">The first key.</param>
    /// <param name="before">The key to end before; null for none.</param>
    /// <param name="limit">Number of entries at most.</param>
    public List<IndexEntry> List(Key from, Key? before, int limit) => Reading(() =>
    {
        var query = new Query { Limit = limit };
        query.Where.Add(Query.GTE("_id", from.ToBytes()));
        if (before is Key end)
        {
            query.Where.Add(Query.LT("_id", end.ToBytes()));
        }

        return Run(Records, query).Select(IndexDocuments.ToEntry).ToList();
    });

    /// <summary>
    /// Keys of records that expired before a time, earliest first, and their place in that order.
    /// </summary>
    public List<(Key Key, byte[] Id)> ExpiredBefore(long unixMs, int limit) => Reading(() =>
    {
        var query = new Query { Limit = limit };
        query.Where.Add(Query.LT("_id", IndexDocuments.ExpiryId(unixMs, Key.Zero)));
        return Run(Expiries, query)
            .Select(row => (Key.Read(row["_id"].AsBinary.AsSpan(8)), row["_id"].AsBinary))
            .ToList();
    });

    /// <summary>Takes a batch in, in one transaction.</summary>
    public void Apply(IndexBatch batch) => Writing(() =>
    {
        _engine.BeginTrans();
        ApplyRecords(batch);
        Upsert(Notes, batch.Notes.Select(IndexDocuments.OfNote));
        Upsert(Segments, batch.Segments
            .Where(segment => segment.Value is not null)
            .Select(segment => IndexDocuments.OfSegment(segment.Key, segment.Value!.Value)));
        Delete(Segments, batch.Segments
            .Where(segment => segment.Value is null)
            .Select(segment => new BsonValue(segment.Key)));
        Upsert(Owners, batch.Owners
            .Where(owner => owner.Value > 0)
            .Select(owner => new BsonDocument { ["_id"] = owner.Key.ToBytes(), ["b"] = owner.Value }));
        Delete(Owners, batch.Owners
            .Where(owner => owner.Value <= 0)
            .Select(owner => new BsonValue(owner.Key.ToBytes())));
        Upsert(State, [IndexDocuments.OfState(Format, batch)]);
        _engine.Commit();
        if (_files.Log.Length > LogBytesMax)
        {
            _engine.Checkpoint();
        }
    });

    /// <summary>Takes keys off the order of expiry.</summary>
    public void ForgetExpiries(IEnumerable<byte[]> ids) => Writing(() =>
    {
        _engine.BeginTrans();
        Delete(Expiries, ids.Select(id => new BsonValue(id)));
        _engine.Commit();
    });

    /// <summary>
    /// Gives back the memory of LiteDB's page cache if that may have grown: it never does by itself, but an
    /// engine starts anew in some milliseconds.
    /// </summary>
    public void Trim()
    {
        if (_files.PagesMoved - _trimmedAtPages < TrimmedAfterPages)
        {
            return;
        }

        Writing(() =>
        {
            _engine.Dispose();
            _engine = StartEngine(_files);
        });
        _trimmedAtPages = _files.PagesMoved;
    }

    /// <summary>Closes the index; when it returns, the whole of it is on disk.</summary>
    public void Close()
    {
        Writing(() =>
        {
            _isClosed = true;
            _engine.Dispose();
            return;
        });
        try
        {
            _files.FlushToDisk();
        }
        catch (IOException e)
        {
            throw Doubt(e);
        }
        finally
        {
            Dispose();
        }
    }

    /// <summary>Lets go of the files, whatever state they are in.</summary>
    public void Dispose()
    {
        _turn.EnterWriteLock();
        try
        {
            if (!_isClosed)
            {
                _isClosed = true;
                _engine.Dispose();
            }
        }
        catch (Exception e) when (e is LiteException or IOException or InvalidOperationException)
        {
            // The engine could not bring its log home; the index is dropped or rebuilt anyway.
            _isClosed = true;
        }
        finally
        {
            _files.Dispose();
            _turn.ExitWriteLock();
        }
    }

    private static LiteIndex Start(Func<IndexFiles> openFiles)
    {
        IndexFiles? files = null;
        try
        {
            files = openFiles();
            var index = new LiteIndex(files, StartEngine(files));
            index.CreateCollections();
            return index;
        }
        catch (Exception e)
        {
            files?.Dispose();
            throw Doubt(e);
        }
    }

    private static IndexDamagedException Doubt(Exception e) =>
        e as IndexDamagedException ?? new IndexDamagedException("LiteDB: " + e.Message, e);

    private static LiteEngine StartEngine(IndexFiles files) => new(new EngineSettings
    {
        DataStream = files.Data,
        LogStream = files.Log,
        TempStream = new MemoryStream(),
        Collation = Collation.Binary,
    });

    private void CreateCollections() => Writing(() =>
    {
        // Reading a collection that is just being created ends the engine, so all are there before anybody
        // reads.
        foreach (string collection in (string[])[Records, Expiries, Segments, Owners, Notes, State])
        {
            if (!_engine.GetCollectionNames().Contains(collection))
            {
                BsonValue id = -1;
                _engine.Insert(collection, [new BsonDocument { ["_id"] = id }], BsonAutoId.Int32);
                _engine.Delete(collection, [id]);
            }
        }
    });

    private void ApplyRecords(IndexBatch batch)
    {
        // Of several changes of a key only the last matters.
        var last = new Dictionary<Key, IndexEntry?>(batch.Changes.Count);
        foreach (PendingChange change in batch.Changes)
        {
            last[change.Key] = change.Entry;
        }

        Upsert(Records, last.Values
            .Where(entry => entry is not null)
            .Select(entry => IndexDocuments.OfEntry(entry!)));
        Upsert(Expiries, last.Values
            .Where(entry => entry is not null && entry.Header.ExpiresAtUnixMs != 0)
            .Select(entry => IndexDocuments.ExpiryId(entry!.Header.ExpiresAtUnixMs, entry.Header.Key))
            .Select(id => new BsonDocument { ["_id"] = id }));
        Delete(Records, last
            .Where(change => change.Value is null)
            .Select(change => new BsonValue(change.Key.ToBytes())));
    }

    private void Upsert(string collection, IEnumerable<BsonDocument> documents) =>
        _engine.Upsert(collection, documents, BsonAutoId.ObjectId);

    private void Delete(string collection, IEnumerable<BsonValue> ids) => _engine.Delete(collection, ids);

    private IEnumerable<BsonDocument> All(string collection) => Run(collection, new Query());

    private IEnumerable<BsonDocument> Run(string collection, Query query)
    {
        using IBsonDataReader reader = _engine.Query(collection, query);
        while (reader.Read())
        {
            yield return reader.Current.AsDocument;
        }
    }

    private T Reading<T>(Func<T> read)
    {
        _turn.EnterReadLock();
        try
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            return read();
        }
        catch (Exception e)
        {
            throw Doubt(e);
        }
        finally
        {
            _turn.ExitReadLock();
        }
    }

    private void Writing(Action write)
    {
        _turn.EnterWriteLock();
        try
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            write();

            // Pages may be written by a thread of LiteDB's, whose failure shows here only.
            if (_files.Failure is Exception failure)
            {
                throw new IndexDamagedException(failure.Message, failure);
            }
        }
        catch (Exception e)
        {
            throw Doubt(e);
        }
        finally
        {
            _turn.ExitWriteLock();
        }
    }
}
