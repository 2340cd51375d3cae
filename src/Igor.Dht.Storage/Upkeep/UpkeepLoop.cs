using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Opening;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Dht.Storage.Writing;

// The one thread that feeds the index and keeps the store in order. Nothing here is on the way of an
// acknowledgement: it may lag, fail and be repeated.

namespace Igor.Dht.Storage.Upkeep;

/// <summary>Runs the background work of a store.</summary>
internal sealed class UpkeepLoop : IDisposable
{
    private const int LoadedAtOnce = 1000;
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryPeriodMax = TimeSpan.FromMinutes(1);

    private readonly StoreContext _store;
    private readonly StoreWriter _writer;
    private readonly ExpirySweep _sweep;
    private readonly Scrub _scrub;
    private readonly Relief _relief;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _wake = new();
    private volatile bool _isClosing;
    private Kbr.Key? _loadFrom = Kbr.Key.Zero;
    private Catalog? _loading;
    private long _rebuildAtMs;
    private long _quietSinceMs = Environment.TickCount64;
    private TimeSpan _retry = RetryPeriod;
    private long _notesAtMs;
    private long _homeAtMs;

    /// <summary>Makes the loop; it works once started.</summary>
    public UpkeepLoop(StoreContext store, StoreWriter writer)
    {
        _store = store;
        _writer = writer;
        _sweep = new ExpirySweep(store, writer, () => FeedIndex(isForced: false));
        _scrub = new Scrub(store, writer);
        _relief = new Relief(store, writer);
        _thread = new Thread(Run) { IsBackground = true, Name = "igor-store-upkeep" };
    }

    /// <summary>Starts the thread.</summary>
    public void Start() => _thread.Start();

    /// <summary>
    /// Ends the thread; what the index lacks is fed to it by <see cref="FeedIndex"/> afterwards.
    /// </summary>
    public void Dispose()
    {
        _isClosing = true;
        _wake.Set();
        if (_thread.ThreadState != ThreadState.Unstarted)
        {
            _thread.Join();
        }

        _wake.Dispose();
    }

    /// <summary>Gives the index what it lacks: if it is time, or all of it.</summary>
    public void FeedIndex(bool isForced)
    {
        Catalog catalog = _store.Catalog;
        while (_store.Doubt is null && catalog.NextBatch(isForced) is IndexBatch batch)
        {
            catalog.Index.Apply(batch);
            catalog.Taken(batch);
        }
    }

    private void Run()
    {
        while (!_isClosing)
        {
            Catalog catalog = _store.Catalog;
            try
            {
                if (_store.Doubt is string doubt)
                {
                    Rebuild(doubt);
                }
                else
                {
                    // A segment that was compacted waits for the index.
                    FeedIndex(isForced: _writer.Compactor.IsBusy);
                    BringHome(catalog);
                    RetryNotes();
                    LoadDirectory(catalog);
                    _sweep.Step();
                    _scrub.Step();
                    _relief.Step(catalog);
                    ChooseVictim(catalog);
                    TrimIndex(catalog);
                }
            }
            catch (IndexDamagedException e)
            {
                _store.DoubtIndex(catalog, e.Message);
            }

            _wake.Wait(Period);
            _wake.Reset();
        }
    }

    /// <summary>
    /// Writes to the disk what the index holds in memory since the disk refused to take it, if there may be
    /// room now.
    /// </summary>
    private void BringHome(Catalog catalog)
    {
        if ((!catalog.Index.IsHolding && _store.Marker.IsWritten) || Environment.TickCount64 < _homeAtMs)
        {
            return;
        }

        _homeAtMs = Environment.TickCount64 + (long)RetryPeriod.TotalMilliseconds;
        if (!_store.Reserve.IsSpent)
        {
            _store.TryBringHome(catalog);
        }
    }

    private void Rebuild(string doubt)
    {
        if (Environment.TickCount64 < _rebuildAtMs)
        {
            return;
        }

        try
        {
            _writer.RunExclusively(() => _store.Replace(StoreOpening.Rebuild(_store), doubt)).Wait();
            _retry = RetryPeriod;
        }
        catch (AggregateException e) when (e.InnerException is Exception cause
            && (DiskFault.IsOfDisk(cause) || cause is RecordStoreException))
        {
            _rebuildAtMs = Environment.TickCount64 + (long)_retry.TotalMilliseconds;
            _retry = TimeSpan.FromTicks(Math.Min(_retry.Ticks * 2, RetryPeriodMax.Ticks));
            _store.Ledger.SetIndexTrouble(DiskFault.Describe(
                "The index cannot be rebuilt, which is tried again within a minute",
                _store.Options.Folder,
                cause));
        }
    }

    /// <summary>Has notes written that the disk refused, or that found the queue full.</summary>
    private void RetryNotes()
    {
        if (Environment.TickCount64 < _notesAtMs)
        {
            return;
        }

        _notesAtMs = Environment.TickCount64 + (long)RetryPeriod.TotalMilliseconds;
        foreach ((string name, byte[] content) in _store.UnwrittenNotes)
        {
            _writer.TryEnqueue(new StoreCommand(StoreCommandKind.Note) { Name = name, Content = content });
        }
    }

    /// <summary>Fills the directory after a start, a piece at a time.</summary>
    private void LoadDirectory(Catalog catalog)
    {
        if (!ReferenceEquals(catalog, _loading))
        {
            _loading = catalog;
            _loadFrom = Kbr.Key.Zero;
        }

        while (!catalog.IsDirectoryLoaded && _loadFrom is Kbr.Key from && !_isClosing)
        {
            List<IndexEntry> entries = catalog.Index.List(from, null, LoadedAtOnce);
            bool isLast = entries.Count < LoadedAtOnce || entries[^1].Header.Key == Kbr.Key.Max;
            catalog.LoadDirectory(entries, isLast);
            _loadFrom = isLast ? null : entries[^1].Header.Key + new Kbr.Key(0, 0, 0, 1);
            FeedIndex(isForced: false);
        }
    }

    /// <summary>Gives memory back when nothing was written for a while.</summary>
    private void TrimIndex(Catalog catalog)
    {
        if (catalog.HasPending)
        {
            _quietSinceMs = Environment.TickCount64;
        }
        else if (Environment.TickCount64 - _quietSinceMs > Quiet.TotalMilliseconds)
        {
            catalog.Index.Trim();
            _quietSinceMs = Environment.TickCount64;
        }
    }

    /// <summary>Has the segment compacted that is most worth it, if any is.</summary>
    private void ChooseVictim(Catalog catalog)
    {
        int? victim = Victims.Choose(catalog, _store.Log, _store.Options);
        if (victim is int id)
        {
            _writer.TryEnqueue(new StoreCommand(StoreCommandKind.Compact) { Place = new Place(id, 0, 0) });
        }

        _writer.Nudge();
    }
}
