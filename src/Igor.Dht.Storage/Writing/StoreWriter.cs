using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;

// The one thread that writes segments. Everything that arrived while the last fsync ran goes into the next
// one, so the number of writes per second grows with the load although each waits for the disk. What a fsync
// covers that has much to write, or behind which more waits, runs on a thread of its own: meanwhile the next
// writes are judged and staged, and those before are told how they ended.

namespace Igor.Dht.Storage.Writing;

/// <summary>Writes what it is told, in order.</summary>
internal sealed class StoreWriter : IDisposable
{
    // So much is worth to hand a sync to another thread, and to be woken for while one is under way.
    private const int WorthwhileBytes = 64 * 1024;

    private static readonly TimeSpan Nap = TimeSpan.FromMilliseconds(20);

    private readonly object _gate = new();
    private readonly StoreContext _store;
    private readonly Thread _thread;
    private readonly Action _wake;
    private List<StoreCommand> _queue = [];
    private List<StoreCommand> _taken = [];
    private int _next;
    private long _queuedBytes;
    private long _wakeAtBytes = 1;
    private bool _isClosing;
    private bool _isNudged;
    private bool _hasTold;

    private WriteBatch _batch;
    private WriteBatch? _spare;
    private WriteBatch? _syncing;
    private Action? _exclusive;
    private bool _hasWrites;
    private bool _hasCopies;

    /// <summary>Makes a writer; it works once started.</summary>
    public StoreWriter(StoreContext store)
    {
        _store = store;
        _batch = new WriteBatch(store);
        _spare = new WriteBatch(store);
        Compactor = new Compactor(store);
        _thread = new Thread(Run) { IsBackground = true, Name = "igor-store-writer" };
        _wake = Wake;
    }

    /// <summary>Compaction, for commands that run exclusively.</summary>
    public Compactor Compactor { get; }

    /// <summary>
    /// Whether the calling thread is the one that writes, and has not told yet that a batch is over.
    /// </summary>
    public bool IsTelling => Environment.CurrentManagedThreadId == _thread.ManagedThreadId && !_hasTold;

    /// <summary>Starts the thread.</summary>
    public void Start() => _thread.Start();

    /// <summary>Queues a command; false when the queue is full or the store closes.</summary>
    public bool TryEnqueue(in StoreCommand command)
    {
        lock (_gate)
        {
            if (_isClosing || _queuedBytes + command.Bytes > _store.Options.QueueBytesMax)
            {
                return false;
            }

            bool isAwaited = _queuedBytes < _wakeAtBytes;
            _queuedBytes += command.Bytes;
            _queue.Add(command);
            if (isAwaited && _queuedBytes >= _wakeAtBytes)
            {
                Monitor.Pulse(_gate);
            }

            return true;
        }
    }

    /// <summary>Runs an action on the writer's thread while nothing is being written.</summary>
    public Task RunExclusively(Action action)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var command = new StoreCommand(StoreCommandKind.Exclusive)
        {
            Action = () =>
            {
                try
                {
                    action();
                    done.SetResult();
                }
                catch (Exception e)
                {
                    done.SetException(e);
                }
            },
        };
        return TryEnqueue(command)
            ? done.Task
            : Task.FromException(
                new RecordStoreException("The store is closing or overloaded; try again later."));
    }

    /// <summary>Makes the writer look whether emptied segments can be deleted.</summary>
    public void Nudge()
    {
        lock (_gate)
        {
            _isNudged = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Writes what is queued, then ends.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosing = true;
            Monitor.Pulse(_gate);
        }

        if (!_thread.ThreadState.HasFlag(ThreadState.Unstarted))
        {
            _thread.Join();
        }

        Compactor.Dispose();
    }

    private void Wake()
    {
        lock (_gate)
        {
            Monitor.Pulse(_gate);
        }
    }

    private void Run()
    {
        while (AwaitWork())
        {
            bool isGathering = false;
            try
            {
                Stage();
                isGathering = IsGathering;
                if (!isGathering)
                {
                    Commit();
                }
            }
            catch (Exception e) when (DiskFault.IsOfDisk(e))
            {
                Fail(e);
            }

            if (!isGathering)
            {
                _hasWrites = false;
                _hasCopies = false;
                Action? exclusive = _exclusive;
                _exclusive = null;
                exclusive?.Invoke();
            }

            _hasTold = true;
            _store.Told?.Invoke(_syncing is null && _next == _taken.Count && !HasQueued());
            _hasTold = false;
            if (!isGathering && _next == _taken.Count)
            {
                DeleteEmptied();
            }
        }
    }

    /// <summary>Whether more may join the batch, for the one before is still being synced.</summary>
    private bool IsGathering => _syncing is not null && _store.Log.IsSyncing && _next == _taken.Count
        && _exclusive is null && !_hasCopies && _batch.Bytes < _store.Options.BatchBytesMax;

    private void DeleteEmptied()
    {
        try
        {
            Compactor.DeleteEmptied();
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e))
        {
            // The file stays, with nothing alive in it, and is tried again at the next nudge.
            Report(e);
        }
    }

    /// <summary>Waits until there is something to do; false at the end.</summary>
    private bool AwaitWork()
    {
        if (_next < _taken.Count)
        {
            return true;
        }

        lock (_gate)
        {
            // Nobody is woken for a single write that has to wait for a sync anyway.
            _wakeAtBytes = _syncing is null ? 1 : WorthwhileBytes;
            while (_queuedBytes < _wakeAtBytes && !_isNudged && (_syncing is null || _store.Log.IsSyncing))
            {
                if (_isClosing && _syncing is null)
                {
                    return false; // what compaction has copied by then is garbage
                }

                if (_syncing is null && Compactor.IsDue)
                {
                    break;
                }

                Monitor.Wait(_gate, Compactor.IsCopying ? Nap : Timeout.InfiniteTimeSpan);
            }

            _isNudged = false;
            _taken.Clear();
            _next = 0;
            (_queue, _taken) = (_taken, _queue);
            _queuedBytes = 0;
            return true;
        }
    }

    /// <summary>Puts commands into the batch until it is full, or something is to run alone.</summary>
    private void Stage()
    {
        bool hasRoom = HasRoom();
        while (_next < _taken.Count && _exclusive is null && _batch.Bytes < _store.Options.BatchBytesMax)
        {
            StoreCommand command = _taken[_next++];
            switch (command.Kind)
            {
                case StoreCommandKind.Exclusive:
                    _exclusive = command.Action;
                    break;
                case StoreCommandKind.Compact:
                    Compact(command);
                    break;
                case StoreCommandKind.Write or StoreCommandKind.Note
                    when !hasRoom || (_store.IsFull && Compactor.IsBusy):
                    // What room there is belongs to compaction. A note is written later.
                    command.Completed?.Invoke(OutcomeOfFull);
                    break;
                default:
                    _hasWrites = true;
                    _batch.Take(command);
                    break;
            }
        }

        if (Compactor.IsDue)
        {
            Settle();
            _hasCopies = true;
            Compactor.Step(_batch);
        }
    }

    /// <summary>Brings the batch to disk, or begins to.</summary>
    private void Commit()
    {
        bool isWorthwhile = _batch.Bytes >= WorthwhileBytes || _next < _taken.Count || HasQueued();
        if (!_batch.MustSync || _exclusive is not null || _hasCopies || !isWorthwhile)
        {
            Settle();
            _batch.Commit();
            Compactor.Committed();
            return;
        }

        _store.Log.AwaitSync();
        _batch.BeginCommit(_wake);
        WriteBatch? synced = _syncing;
        _syncing = _batch;
        synced?.Finish();
        _batch = synced ?? _spare!;
        _spare = null;
        _batch.Before = _syncing;
    }

    /// <summary>Waits for the sync that is under way, and tells those that waited for it.</summary>
    private void Settle()
    {
        _store.Log.AwaitSync();
        if (_syncing is { } synced)
        {
            Release(synced);
            synced.Finish();
        }
    }

    private void Release(WriteBatch synced)
    {
        _syncing = null;
        _spare = synced;
        _batch.Before = null;
    }

    /// <summary>The disk refused: the batch fails, and so does the one before it, if that was its.</summary>
    private void Fail(Exception e)
    {
        Report(e);
        bool isFull = DiskFault.IsFull(e);
        WriteBatch? failed = null;
        try
        {
            Settle();
        }
        catch (IOException)
        {
            failed = _syncing!; // which is what was synced
            Release(failed);
        }

        Compactor.Abandon(goesOn: isFull && _hasWrites);
        StoreOutcome outcome = isFull ? OutcomeOfFull : StoreOutcome.Failed;
        failed?.Fail(outcome);
        _batch.Fail(outcome);
    }

    private bool HasQueued()
    {
        lock (_gate)
        {
            return _queue.Count > 0;
        }
    }

    /// <summary>What a write is told that finds no room.</summary>
    private StoreOutcome OutcomeOfFull =>
        _store.Reserve.IsSpent || _store.MayFreeRoom || Compactor.IsBusy
            ? StoreOutcome.Busy
            : StoreOutcome.Failed;

    /// <summary>Whether there is room for more beside what compaction needs.</summary>
    private bool HasRoom()
    {
        if (_store.Reserve.IsSpent)
        {
            return false;
        }

        if (_store.Reserve.TryKeep(_store.Log.DiskBytes) || !_store.Reserve.LacksRoom)
        {
            return true; // what else is wrong with the disk, the write itself finds out
        }

        _store.IsFull = true;
        return false;
    }

    private void Compact(in StoreCommand command)
    {
        bool isTaken = true;
        try
        {
            isTaken = Compactor.Begin(command.Place.Segment);
        }
        finally
        {
            // After it has begun, and also when the disk refuses that: it is not asked for any more.
            command.Completed?.Invoke(isTaken ? StoreOutcome.Durable : StoreOutcome.Busy);
        }
    }

    private void Report(Exception e)
    {
        // A full disk is no trouble yet: it may free itself, which the upkeep finds out.
        bool isFull = DiskFault.IsFull(e);
        _store.IsFull |= isFull;
        if (!isFull || !_store.MayFreeRoom)
        {
            _store.Ledger.SetDiskTrouble(
                DiskFault.Describe("Records cannot be written", _store.Options.Folder, e));
        }
    }
}
