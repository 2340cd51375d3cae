using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Hints;
using Igor.Dht.Storage.Opening;
using Igor.Dht.Storage.Queries;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Dht.Storage.Upkeep;
using Igor.Dht.Storage.Writing;
using Igor.Kbr;

// Records on disk: checksummed segments hold them, an index in memory says where they are, LiteDB finds them
// by what they are. See docs/storage.md for the format and for what holds after which kind of death.

namespace Igor.Dht.Storage.OnDisk;

/// <summary>
/// Keeps records durably in a folder: in append-only segments with checksums, with an index of all keys in
/// memory, and a catalogue in LiteDB for queries. A write is acknowledged after its fsync, which it shares
/// with all that arrived meanwhile. All members are thread-safe.
/// </summary>
public sealed class LiteDbRecordStore : IRecordStore
{
    /// <summary>Most notes that a store keeps: they all stay in memory.</summary>
    public const int NotesMax = 1024;

    private readonly StoreLock _lock;
    private readonly StoreContext _store;
    private readonly StoreWriter _writer;
    private readonly UpkeepLoop _upkeep;
    private readonly RecordReader _reader;
    private readonly Catalogue _catalogue;
    private int _isClosed;

    private LiteDbRecordStore(StoreLock storeLock, StoreContext store)
    {
        _lock = storeLock;
        _store = store;
        _writer = new StoreWriter(store);
        _upkeep = new UpkeepLoop(store, _writer);
        _reader = new RecordReader(store, _writer);
        _catalogue = new Catalogue(store.Index, StoreOpening.CatalogueIn(store.Options.Folder));
    }

    /// <inheritdoc/>
    public StoreStatus Status => new()
    {
        Records = _store.Index.Count,
        LiveBytes = _store.Index.LiveBytes,
        DiskBytes = _store.Log.DiskBytes + HintBytes + _catalogue.DiskBytes,
        DamagedRecords = _store.Ledger.DamagedRecords,
        Trouble = _store.Ledger.Trouble,
        Rebuilt = _store.Rebuilt,
    };

    /// <inheritdoc/>
    public IRecordIndex Index => _store.Index;

    /// <summary>
    /// Called on the writer's thread when all were told what became of a batch. True when nothing more waits
    /// to be written: what follows may be done there then. Set before the first write.
    /// </summary>
    public Action<bool>? Told
    {
        get => _store.Told;
        set => _store.Told = value;
    }

    /// <summary>Whether this is the end of one of a batch: <see cref="Told"/> follows.</summary>
    public bool IsTelling => _writer.IsTelling;

    /// <summary>Number of batches that were synced since it was opened, for measurements.</summary>
    internal long Syncs => _store.Log.Syncs;

    private long HintBytes => HintFile.SegmentsIn(_store.HintsFolder)
        .Sum(id => new FileInfo(HintFile.PathOf(_store.HintsFolder, id)) is { Exists: true } file
            ? file.Length
            : 0);

    /// <summary>Whether a folder holds a store.</summary>
    public static bool IsStore(string folder) => Directory.Exists(StoreOpening.SegmentsIn(folder));

    /// <summary>Opens the store in the folder of the options, or makes an empty one there.</summary>
    /// <param name="options">Where, and within which bounds.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="RecordStoreException">
    /// The folder cannot be used, or another process has it open; the message says what to do.
    /// </exception>
    public static LiteDbRecordStore Open(RecordStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        ArgumentException.ThrowIfNullOrWhiteSpace(options.Folder, nameof(options));
        StoreLock? storeLock = null;
        try
        {
            OwnFiles.MakeFolder(options.Folder);
            storeLock = StoreLock.Take(options.Folder, options.Home);
            BindNetwork(options);
            var store = new LiteDbRecordStore(storeLock, StoreOpening.Open(options));
            store._writer.Start();
            store._upkeep.Start();
            return store;
        }
        catch (Exception e)
        {
            storeLock?.Dispose();
            if (!DiskFault.IsOfDisk(e))
            {
                throw;
            }

            throw new RecordStoreException(
                DiskFault.Describe("The record store cannot be opened", options.Folder, e), e);
        }
    }

    /// <summary>Opens the store on a thread of its own: it may have to read all segments.</summary>
    /// <inheritdoc cref="Open" path="//exception"/>
    /// <param name="options">Where, and within which bounds.</param>
    /// <param name="cancellationToken">Cancels before the opening begins.</param>
    public static Task<LiteDbRecordStore> OpenAsync(
        RecordStoreOptions options, CancellationToken cancellationToken = default) =>
        Task.Run(() => Open(options), cancellationToken);

    /// <summary>
    /// Restores a backup into the folder of the options, which must hold no store yet. It is read whole
    /// when it is opened.
    /// </summary>
    /// <exception cref="RecordStoreException">The backup is damaged or the folder is in use.</exception>
    public static Task RestoreAsync(
        string backupFolder, RecordStoreOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Task.Run(
            () => StoreBackup.Restore(backupFolder, options, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public void Write(Record record, Action<StoreOutcome> completed) =>
        Replace(record, RecordVersion.None, completed);

    /// <inheritdoc/>
    public void Replace(Record record, RecordVersion held, Action<StoreOutcome> completed)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(completed);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(record.Encoded.Length, SegmentCodec.BodyBytesMax);
        Enqueue(new StoreCommand(StoreCommandKind.Write)
        {
            Record = record,
            Version = held,
            Completed = completed,
        });
    }

    /// <inheritdoc/>
    public void Read(Key key, Action<Record?> completed)
    {
        ArgumentNullException.ThrowIfNull(completed);
        if (_reader.TryReadAtOnce(key, out Record? record))
        {
            completed(record);
            return;
        }

        ThreadPool.UnsafeQueueUserWorkItem(
            static read => read.Reader.Read(read.Key, read.Completed),
            (Reader: _reader, Key: key, Completed: completed),
            preferLocal: false);
    }

    /// <inheritdoc/>
    public bool TryReadAtOnce(Key key, out Record? record) => _reader.TryReadAtOnce(key, out record);

    /// <inheritdoc/>
    public void Remove(Key key, RecordVersion version, Action<StoreOutcome> completed)
    {
        ArgumentNullException.ThrowIfNull(completed);
        Enqueue(new StoreCommand(StoreCommandKind.Remove)
        {
            Key = key,
            Version = version,
            Completed = completed,
        });
    }

    /// <inheritdoc/>
    public IEnumerable<RecordHeader> Headers(Arc arc) => _store.Index.Headers(arc);

    /// <summary>
    /// Finds records by what they are, one query at a time. The answer is complete as of a moment during the
    /// call. The first query of a large store takes long: its catalogue has to be made, some 10,000 records a
    /// second.
    /// </summary>
    /// <returns>Their headers, in key order.</returns>
    /// <exception cref="RecordStoreException">The catalogue can be neither read nor made anew.</exception>
    public Task<List<RecordHeader>> FindAsync(
        RecordQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(query.CountMax, 1, nameof(query));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.CountMax, 100_000, nameof(query));
        return Task.Run(() => _catalogue.Find(query, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public byte[]? ReadNote(string name) => _store.FindNote(name)?.ToArray();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// The note is larger than 64 KiB, or there are 1,024 others.
    /// </exception>
    public void WriteNote(string name, byte[] content)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(content);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, 1024, nameof(name));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            content.Length, IRecordStore.NoteBytesMax, nameof(content));
        byte[] kept = [.. content];
        if (!_store.KeepNote(name, kept, NotesMax))
        {
            throw new ArgumentException($"A store keeps {NotesMax} notes at most.", nameof(name));
        }

        _writer.TryEnqueue(new StoreCommand(StoreCommandKind.Note) { Name = name, Content = kept });
    }

    /// <summary>
    /// Tells a listener of damaged records, by key and version, those found since the store was opened and
    /// those found from now on, so that they can be fetched from replicas. The listener is called on any
    /// thread and must not block.
    /// </summary>
    public void ReportDamageTo(Action<Holding> listener)
    {
        ArgumentNullException.ThrowIfNull(listener);
        _store.Ledger.ReportTo(listener);
    }

    /// <summary>Copies all records into a folder, which is made, while the store goes on serving.</summary>
    /// <exception cref="RecordStoreException">
    /// The folder is not empty, or a disk is full or failed.
    /// </exception>
    public Task BackupAsync(string folder, CancellationToken cancellationToken = default) =>
        StoreBackup.CreateAsync(_store, _writer, folder, cancellationToken);

    /// <summary>Writes what is queued, and closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            await Task.Run(Close).ConfigureAwait(false);
        }
    }

    private static void BindNetwork(RecordStoreOptions options)
    {
        if (options.Home is not { } home || options.Network.Length == 0
            || home.CheckNetwork(options.Folder, options.Network))
        {
            return;
        }

        try
        {
            home.BindNetwork(options.Folder, options.Network); // before the first record is there
        }
        catch (RecordStoreException) when (IsStore(options.Folder))
        {
            // A disk that takes nothing: the records of before can be read, and are bound at a later start.
        }
    }

    private void Close()
    {
        _upkeep.Dispose();
        _writer.Dispose();
        try
        {
            _store.Log.Force();
            _upkeep.FinishHints();
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e))
        {
            _store.Ledger.SetDiskTrouble(
                DiskFault.Describe(
                    "The record store could not be closed in order", _store.Options.Folder, e));
        }
        finally
        {
            _store.Log.Dispose();
            _lock.Dispose();
        }
    }

    private void Enqueue(in StoreCommand command)
    {
        if (!_writer.TryEnqueue(command))
        {
            // No trouble of the disk's: more came at once than it takes, and the callers are to come again.
            command.Completed?.Invoke(_isClosed == 0 ? StoreOutcome.Busy : StoreOutcome.Failed);
        }
    }
}
