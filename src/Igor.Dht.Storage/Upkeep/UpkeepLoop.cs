using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Hints;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Dht.Storage.Writing;

// The one thread that keeps the store in order. Nothing here is on the way of an acknowledgement: it may lag,
// fail and be repeated.

namespace Igor.Dht.Storage.Upkeep;

/// <summary>Runs the background work of a store.</summary>
internal sealed class UpkeepLoop : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Between two turns while nothing is written: the disk may have filled up, or emptied.
    /// </summary>
    private static readonly TimeSpan IdlePeriod = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(2);

    private readonly StoreContext _store;
    private readonly StoreWriter _writer;
    private readonly ExpirySweep _sweep;
    private readonly Scrub _scrub;
    private readonly Relief _relief;
    private readonly HintKeeper _hints;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _wake = new();
    private volatile bool _isClosing;
    private long _retryAtMs;
    private long _seenBytes;

    /// <summary>Makes the loop; it works once started.</summary>
    public UpkeepLoop(StoreContext store, StoreWriter writer)
    {
        _store = store;
        _writer = writer;
        _sweep = new ExpirySweep(store, writer);
        _scrub = new Scrub(store, writer);
        _relief = new Relief(store, writer);
        _hints = new HintKeeper(store);
        _thread = new Thread(Run) { IsBackground = true, Name = "igor-store-upkeep" };
    }

    /// <summary>Starts the thread.</summary>
    public void Start() => _thread.Start();

    /// <inheritdoc cref="HintKeeper.Finish"/>
    public void FinishHints() => _hints.Finish();

    /// <summary>Ends the thread.</summary>
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

    private void Run()
    {
        while (!_isClosing)
        {
            RetryWrites();
            _sweep.Step();
            _relief.Step();
            ChooseVictim();
            while (!_isClosing && _hints.Step())
            {
            }

            _scrub.Step();
            _wake.Wait(IsBusy() ? Period : Shorter(IdlePeriod, _store.Options.SweepPeriod));
            _wake.Reset();
        }
    }

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;

    /// <summary>Whether something was written since the last turn, or has to be done soon.</summary>
    private bool IsBusy()
    {
        long before = _seenBytes;
        _seenBytes = _store.Log.DiskBytes;
        return _seenBytes != before || _store.IsFull || _writer.Compactor.IsBusy;
    }

    /// <summary>
    /// Has notes written that the disk refused, or that found the queue full; and what the opening found
    /// lost.
    /// </summary>
    private void RetryWrites()
    {
        if (Environment.TickCount64 < _retryAtMs)
        {
            return;
        }

        _retryAtMs = Environment.TickCount64 + (long)RetryPeriod.TotalMilliseconds;
        foreach ((string name, byte[] content) in _store.UnwrittenNotes)
        {
            _writer.TryEnqueue(new StoreCommand(StoreCommandKind.Note) { Name = name, Content = content });
        }

        foreach ((Kbr.Key key, RecordVersion version) in _store.Unrecorded)
        {
            _writer.TryEnqueue(new StoreCommand(StoreCommandKind.Lost)
            {
                Key = key,
                Version = version,
                Completed = outcome =>
                {
                    if (outcome == StoreOutcome.Durable)
                    {
                        _store.Unrecorded.TryRemove(key, out _);
                    }
                },
            });
        }

        DropForgottenHints();
    }

    private void DropForgottenHints()
    {
        if (_store.ForgottenHints.Count == 0 || !_store.Unrecorded.IsEmpty)
        {
            return;
        }

        try
        {
            _writer.RunExclusively(_store.Log.Force).Wait();
            _store.ForgottenHints.ForEach(id => HintFile.Delete(_store.HintsFolder, id));
            _store.ForgottenHints.Clear();
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e) || e is AggregateException)
        {
            // Tried again.
        }
    }

    /// <summary>Has the segment compacted that is most worth it, if any is.</summary>
    private void ChooseVictim()
    {
        if (!_writer.Compactor.IsBusy
            && Victims.Choose(_store.Index, _store.Log, _store.Options, _store.Reserve.RoomBytes) is int id)
        {
            _writer.TryEnqueue(new StoreCommand(StoreCommandKind.Compact) { Place = new Place(id, 0, 0) });
        }

        _writer.Nudge();
    }
}
