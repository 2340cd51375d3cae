using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Kbr;

// From a folder to a store that may serve: the lock, the segments, the index or a rebuilt one, the end of the
// log.

namespace Igor.Dht.Storage.Opening;

/// <summary>Opens the parts of a store and brings them together.</summary>
internal static class StoreOpening
{
    private const int ListedAtOnce = 512;

    /// <summary>The folder of the segments.</summary>
    public static string SegmentsIn(string folder) => Path.Combine(folder, "segments");

    /// <summary>The folder of the index.</summary>
    public static string IndexIn(string folder) => Path.Combine(folder, "index");

    /// <summary>Opens the store in the folder of the options, whose lock is held.</summary>
    public static StoreContext Open(RecordStoreOptions options)
    {
        string bootId = StoreMarker.PresentBootId();
        StoreMarker? marker = StoreMarker.Read(options.Folder);
        SegmentLog log = SegmentLog.Open(SegmentsIn(options.Folder), options.SegmentBytesMax);
        try
        {
            OwnFiles.MakeFolder(IndexIn(options.Folder));
            DropStillborn(log);
            var store = new StoreContext(options, log, new DamageLedger());
            string? doubt = log.Segments.Count == 0 ? null : StoreMarker.Doubt(marker, bootId);
            store.Catalog = OpenCatalog(store, doubt);
            if (store.Marker.TryWrite() is { } refusal)
            {
                // What says that the index is sound after the death of the machine may not stand while it
                // changes: it goes on in memory, until the disk takes the marker.
                store.Catalog.Index.Hold();
                store.Ledger.SetDiskTrouble(
                    DiskFault.Describe("Records cannot be written", options.Folder, refusal));
            }

            return store;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>Makes the index anew from the segments.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static Catalog Rebuild(StoreContext store)
    {
        try
        {
            store.Marker.Withdraw(); // no index is there until this is done
        }
        catch (Exception e) when (DiskFault.IsRefusal(e))
        {
            // Then the index cannot be replaced on the disk either, and is made in memory.
        }

        var catalog = new Catalog(LiteIndex.Replace(IndexIn(store.Options.Folder)), store.Options);
        try
        {
            new Replay(store, catalog).Run(default);
            return catalog;
        }
        catch
        {
            catalog.Dispose();
            throw;
        }
    }

    private static Catalog OpenCatalog(StoreContext store, string? doubt)
    {
        Catalog? catalog = null;
        LogPosition end = default;
        if (doubt is null)
        {
            try
            {
                catalog = new Catalog(LiteIndex.Open(IndexIn(store.Options.Folder)), store.Options);
                doubt = catalog.IndexedTo is null && store.Log.Segments.Count > 0 ? "it is empty" : null;
                if (doubt is null)
                {
                    end = catalog.IndexedTo ?? Found(catalog);
                    BringUpToDate(store, catalog, end);
                }
            }
            catch (IndexDamagedException e)
            {
                doubt = e.Message;
            }
        }

        if (doubt is not null)
        {
            catalog?.Dispose();
            catalog = Rebuild(store);
            end = default;
            store.Rebuilt = doubt;
        }

        ResumeLog(store, end);
        return catalog!;
    }

    /// <summary>
    /// Has a new index say that it reaches nowhere yet, which tells it from one that was lost.
    /// </summary>
    private static LogPosition Found(Catalog catalog)
    {
        catalog.Index.Apply(new IndexBatch());
        return default;
    }

    private static void BringUpToDate(StoreContext store, Catalog catalog, LogPosition indexedTo)
    {
        foreach ((int id, SegmentUse use) in catalog.SegmentUses())
        {
            long length = store.Log.Find(id)?.Length ?? 0;
            if (length < use.Length && use.LiveBytes > 0)
            {
                ForgetMissing(store, catalog, id, length);
            }
        }

        new Replay(store, catalog).Run(indexedTo);
    }

    /// <summary>Takes records out of service that lay where their segment is cut off now.</summary>
    private static void ForgetMissing(StoreContext store, Catalog catalog, int segmentId, long length)
    {
        Key? from = Key.Zero;
        while (from is Key start)
        {
            List<IndexEntry> entries = catalog.Index.List(start, null, ListedAtOnce);
            var effects = new List<Effect>();
            foreach (IndexEntry entry in entries)
            {
                if (entry.Place.Segment == segmentId && entry.Place.End > length)
                {
                    store.Ledger.AddRecord(entry.Header.Key, segmentId);
                    var stored = new StoredRecord(entry.Header.Version, entry.Place, entry.Header.Owner);
                    effects.Add(new Effect(entry.Header.Key, null, stored, null));
                }
            }

            catalog.Publish(effects, [], catalog.IndexedTo ?? default);
            bool isLast = entries.Count < ListedAtOnce || entries[^1].Header.Key == Key.Max;
            from = isLast ? null : entries[^1].Header.Key + new Key(0, 0, 0, 1);
        }
    }

    private static void ResumeLog(StoreContext store, LogPosition indexedTo)
    {
        if (store.Log.Segments is not [.., Segment last])
        {
            return;
        }

        long from = indexedTo.Segment == last.Id ? Math.Min(indexedTo.Offset, last.Length) : 0;
        bool wasCut = indexedTo.Segment == last.Id && last.Length < indexedTo.Offset;
        (long intactEnd, bool isSealed, bool isBroken) = Replay.EndOf(last, from);

        if (last.IsReadOnly)
        {
            return;
        }

        // Nothing is appended to a segment that cannot be relied upon. What may be read of it stays.
        if (!isSealed && !wasCut && !isBroken)
        {
            store.Log.Resume(last, intactEnd);
        }

        // A process that was killed before its fsync leaves entries in the kernel's cache. They count as
        // stored from now on, and are acknowledged when they are put again.
        last.Sync();
    }

    /// <summary>A segment whose head never got to the disk holds nothing.</summary>
    private static void DropStillborn(SegmentLog log)
    {
        if (log.Segments is [.., { IsReadOnly: false } last] && last.Length <= SegmentCodec.FileHeaderBytes)
        {
            log.Delete(last.Id);
        }
    }
}
