using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.State;
using Igor.Dht.Storage.Writing;
using Igor.Kbr;

namespace Igor.Dht.Storage.Upkeep;

/// <summary>Removes records some time after they expired.</summary>
internal sealed class ExpirySweep(StoreContext store, StoreWriter writer, Action feedIndex)
{
    private const int AtOnce = 256;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Nap = TimeSpan.FromMilliseconds(20);
    private long _nextAtMs;

    /// <summary>Sweeps, if it is time.</summary>
    /// <exception cref="IndexDamagedException">The index cannot be relied upon.</exception>
    public void Step()
    {
        if (Environment.TickCount64 < _nextAtMs)
        {
            return;
        }

        _nextAtMs = Environment.TickCount64 + (long)store.Options.SweepPeriod.TotalMilliseconds;
        while (SweepSome())
        {
        }
    }

    /// <summary>Removes some; whether there may be more.</summary>
    private bool SweepSome()
    {
        Catalog catalog = store.Catalog;
        NetworkTime now = store.Now;
        if (!now.IsTrusted)
        {
            return false; // a wrong clock forgets nothing
        }

        long before = now.UnixMs - (long)store.Options.ExpiredRetention.TotalMilliseconds;
        List<(Key Key, byte[] Id)> due = catalog.Index.ExpiredBefore(before, AtOnce);
        var done = new List<byte[]>();
        var pending = new CountdownEvent(1);
        foreach ((Key key, byte[] id) in due)
        {
            IndexEntry? entry = catalog.Look(key) switch
            {
                { Kind: SightingKind.Absent } => null,
                { Kind: SightingKind.Listed } listed => listed.Entry,
                _ => catalog.Index.Find(key),
            };
            if (entry is null
                || !IndexDocuments.ExpiryId(entry.Header.ExpiresAtUnixMs, key).AsSpan().SequenceEqual(id))
            {
                // It was removed, or written again with another expiry.
                Add(done, id);
                continue;
            }

            pending.AddCount();
            bool isQueued = writer.TryEnqueue(new StoreCommand(StoreCommandKind.Remove)
            {
                Key = key,
                Version = entry.Header.Version,
                Completed = outcome => Completed(outcome, done, id, pending),
            });
            if (!isQueued)
            {
                pending.Signal();
            }
        }

        pending.Signal();
        long patienceEndsAtMs = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (!pending.Wait(Nap))
        {
            // The writer may be waiting for the index, which this very thread feeds.
            feedIndex();
            if (Environment.TickCount64 > patienceEndsAtMs)
            {
                return false;
            }
        }

        if (done.Count > 0)
        {
            catalog.Index.ForgetExpiries(done);
        }

        return due.Count == AtOnce && done.Count > 0;
    }

    private static void Completed(StoreOutcome outcome, List<byte[]> done, byte[] id, CountdownEvent pending)
    {
        if (outcome != StoreOutcome.Failed)
        {
            Add(done, id);
        }

        pending.Signal();
    }

    private static void Add(List<byte[]> done, byte[] id)
    {
        lock (done)
        {
            done.Add(id);
        }
    }
}
