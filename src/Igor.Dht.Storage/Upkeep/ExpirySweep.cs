using Igor.Dht.Protocol.Index;
using Igor.Dht.Storage.State;
using Igor.Dht.Storage.Writing;
using Igor.Kbr;

namespace Igor.Dht.Storage.Upkeep;

/// <summary>Removes records some time after they expired.</summary>
internal sealed class ExpirySweep(StoreContext store, StoreWriter writer)
{
    private const int AtOnce = 256;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly List<RecordSlot> _due = [];
    private long _nextAtMs;

    /// <summary>Sweeps, if it is time.</summary>
    public void Step()
    {
        NetworkTime now = store.Now;
        if (Environment.TickCount64 < _nextAtMs || !now.IsTrusted)
        {
            return; // a wrong clock forgets nothing
        }

        _nextAtMs = Environment.TickCount64 + (long)store.Options.SweepPeriod.TotalMilliseconds;
        long before = now.UnixMs - (long)store.Options.ExpiredRetention.TotalMilliseconds;
        bool isTaken = true;
        for (Key? from = Key.Zero; isTaken && from is Key first;)
        {
            _due.Clear();
            from = store.Index.ListEnded(first, before, AtOnce, _due);
            isTaken = Remove();
        }
    }

    /// <summary>Removes what is due; false when the writer has no time for it.</summary>
    private bool Remove()
    {
        var pending = new CountdownEvent(_due.Count + 1);
        foreach (RecordSlot record in _due)
        {
            bool isQueued = writer.TryEnqueue(new StoreCommand(StoreCommandKind.Remove)
            {
                Key = record.Key,
                Version = record.Version,
                Completed = _ => pending.Signal(),
            });
            if (!isQueued)
            {
                return false;
            }
        }

        pending.Signal();
        return pending.Wait(Patience);
    }
}
