using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;

// The one thread that writes segments. Everything that arrived while the last fsync ran goes into the next
// one, so the number of writes per second grows with the load although each waits for the disk.

namespace Igor.Dht.Storage.Writing;

/// <summary>Writes what it is told, in order.</summary>
internal sealed class StoreWriter : IDisposable
{
    private static readonly TimeSpan Nap = TimeSpan.FromMilliseconds(20);

    private readonly object _gate = new();
    private readonly StoreContext _store;
    private readonly WriteBatch _batch;
    private readonly Thread _thread;
    private List<StoreCommand> _queue = [];
    private List<StoreCommand> _taken = [];
    private long _queuedBytes;
    private bool _isClosing;
    private bool _isNudged;

    /// <summary>Makes a writer; it works once started.</summary>
    public StoreWriter(StoreContext store)
    {
        _store = store;
        _batch = new WriteBatch(store);
        Compactor = new Compactor(store);
        _thread = new Thread(Run) { IsBackground = true, Name = "igor-store-writer" };
    }

    /// <summary>Compaction, for commands that run exclusively.</summary>
    public Compactor Compactor { get; }

    /// <summary>Whether the calling thread is the one that writes.</summary>
    public bool IsCurrent => Environment.CurrentManagedThreadId == _thread.ManagedThreadId;

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

            _queuedBytes += command.Bytes;
            _queue.Add(command);
            if (_queue.Count == 1)
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

    private void Run()
    {
        while (TakeQueue())
        {
            int next = 0;
            do
            {
                next = RunBatch(next);
            }
            while (next < _taken.Count);
            _taken.Clear();
            DeleteEmptied();
        }
    }

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
    private bool TakeQueue()
    {
        lock (_gate)
        {
            while (_queue.Count == 0 && !_isNudged)
            {
                if (_isClosing)
                {
                    return false; // what compaction has copied by then is garbage
                }

                if (Compactor.IsDue)
                {
                    break;
                }

                Monitor.Wait(_gate, Compactor.IsCopying ? Nap : Timeout.InfiniteTimeSpan);
            }

            _isNudged = false;
            (_queue, _taken) = (_taken, _queue);
            _queuedBytes = 0;
            return true;
        }
    }

    /// <summary>Takes commands from a position on until the batch is full, and commits them.</summary>
    private int RunBatch(int next)
    {
        Action? exclusive = null;
        bool hasRoom = HasRoom();
        bool hasWrites = false;
        try
        {
            while (next < _taken.Count && exclusive is null && _batch.Bytes < _store.Options.BatchBytesMax)
            {
                StoreCommand command = _taken[next++];
                switch (command.Kind)
                {
                    case StoreCommandKind.Exclusive:
                        exclusive = command.Action;
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
                        hasWrites = true;
                        _batch.Take(command);
                        break;
                }
            }

            if (Compactor.IsDue)
            {
                Compactor.Step(_batch);
            }

            _batch.Commit();
            Compactor.Committed();
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e))
        {
            Report(e);
            bool isFull = DiskFault.IsFull(e);
            Compactor.Abandon(goesOn: isFull && hasWrites);
            _batch.Fail(isFull ? OutcomeOfFull : StoreOutcome.Failed);
        }

        exclusive?.Invoke();
        _store.Told?.Invoke(next == _taken.Count && !HasQueued());
        return next;
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
