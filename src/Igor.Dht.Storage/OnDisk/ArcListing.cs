using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.State;
using Igor.Kbr;

namespace Igor.Dht.Storage.OnDisk;

/// <summary>
/// Lists the headers in an arc in the order of the ring: the index, overlaid by what it does not hold yet.
/// </summary>
internal static class ArcListing
{
    private const int ListedAtOnce = 256;
    private static readonly Key One = new(0, 0, 0, 1);

    /// <summary>Lists headers clockwise from the start of the arc.</summary>
    public static IEnumerable<RecordHeader> Of(StoreContext store, Arc arc)
    {
        bool wraps = arc.IsWhole ? arc.Start != Key.Zero : arc.End < arc.Start;
        if (!wraps)
        {
            return Between(store, arc.Start, arc.IsWhole ? null : arc.End);
        }

        IEnumerable<RecordHeader> upper = Between(store, arc.Start, null);
        return arc.End == Key.Zero ? upper : upper.Concat(Between(store, Key.Zero, arc.End));
    }

    private static IEnumerable<RecordHeader> Between(StoreContext store, Key start, Key? end)
    {
        // Pending first: a change leaves it only once the index has it.
        Catalog catalog = store.Catalog;
        var pending = new Queue<PendingChange>(
            catalog.PendingIn(new Arc(start, end ?? Key.Zero)).OrderBy(change => change.Key));
        for (Key? from = start; from is Key first;)
        {
            List<IndexEntry> page = ListPage(store, ref catalog, first, end);
            foreach (IndexEntry entry in page)
            {
                Key key = entry.Header.Key;
                while (pending.TryPeek(out PendingChange? earlier) && earlier.Key < key)
                {
                    if (pending.Dequeue().Entry is IndexEntry added)
                    {
                        yield return added.Header;
                    }
                }

                IndexEntry? latest = entry;
                if (pending.TryPeek(out PendingChange? same) && same.Key == key)
                {
                    pending.Dequeue();
                    latest = catalog.Look(key) switch
                    {
                        { Kind: SightingKind.Absent } => null,
                        { Kind: SightingKind.Listed } sighting => sighting.Entry,
                        _ => same.Entry is not null && same.Entry.Header.Version > entry.Header.Version
                            ? same.Entry
                            : entry,
                    };
                }

                if (latest is not null)
                {
                    yield return latest.Header;
                }
            }

            bool isLast = page.Count < ListedAtOnce || page[^1].Header.Key == Key.Max;
            from = isLast ? null : page[^1].Header.Key + One;
        }

        foreach (PendingChange change in pending)
        {
            if (change.Entry is not null)
            {
                yield return change.Entry.Header;
            }
        }
    }

    private static List<IndexEntry> ListPage(StoreContext store, ref Catalog catalog, Key first, Key? end)
    {
        while (true)
        {
            try
            {
                return catalog.Index.List(first, end, ListedAtOnce);
            }
            catch (IndexDamagedException e)
            {
                store.DoubtIndex(catalog, e.Message);
                store.AwaitRebuild(catalog);
                if (ReferenceEquals(catalog, store.Catalog))
                {
                    throw new RecordStoreException(
                        "The index of the record store is damaged and could not be rebuilt in time. "
                        + "See its status.",
                        e);
                }

                catalog = store.Catalog;
            }
        }
    }
}
