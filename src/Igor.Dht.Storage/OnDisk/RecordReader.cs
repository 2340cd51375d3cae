using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Kbr;

namespace Igor.Dht.Storage.OnDisk;

/// <summary>Reads records, and verifies each before it is served.</summary>
internal sealed class RecordReader(StoreContext store, Action<Key, RecordVersion, Place> quarantine)
{
    // A record moves when its segment is compacted; it cannot be overtaken by that again and again.
    private const int AttemptsMax = 8;

    private enum Reading
    {
        Found,
        Moved,
        Other,
        Damaged,
    }

    /// <summary>Answers from memory, if memory knows.</summary>
    public bool TryReadAtOnce(Key key, out Record? record)
    {
        record = store.Cache.Find(key);
        return record is not null || store.Catalog.Look(key).Kind == SightingKind.Absent;
    }

    /// <summary>Reads a record; null when there is none, or it is damaged.</summary>
    public Record? Read(Key key)
    {
        for (int attempt = 0; attempt < AttemptsMax; attempt++)
        {
            Catalog catalog = store.Catalog;
            try
            {
                if (TryRead(catalog, key, out Record? record))
                {
                    return record;
                }
            }
            catch (IndexDamagedException e)
            {
                store.DoubtIndex(catalog, e.Message);
                store.AwaitRebuild(catalog);
            }
        }

        return null;
    }

    /// <summary>One attempt; false when the record moved meanwhile.</summary>
    private bool TryRead(Catalog catalog, Key key, out Record? record)
    {
        record = null;
        Sighting sighting = catalog.Look(key);
        if (sighting.Kind == SightingKind.Absent)
        {
            return true;
        }

        IndexEntry? entry = sighting.Entry;
        Reading reading = Reading.Other;
        if (sighting.Kind == SightingKind.Hinted)
        {
            reading = ReadAt(key, null, sighting.Hint, out record);
        }

        if (reading is Reading.Other or Reading.Damaged)
        {
            // The hint was another key's, or what lies there is damaged: whose it is, only the index can
            // tell.
            entry ??= catalog.Index.Find(key);
            reading = entry is null
                ? Reading.Found
                : ReadAt(key, entry.Header.Version, entry.Place, out record);
        }

        bool isCurrent = false;
        Record? found = record;
        catalog.IfUnchanged(key, sighting.Age, () =>
        {
            isCurrent = true;
            if (found is not null)
            {
                store.Cache.Put(found);
            }
        });
        return reading switch
        {
            Reading.Found => isCurrent || record is not null,
            Reading.Damaged when isCurrent => Quarantine(key, entry!),
            Reading.Other when isCurrent => throw new IndexDamagedException(
                $"the place of {key.ToShortString()} holds another record"),
            _ => false,
        };
    }

    private bool Quarantine(Key key, IndexEntry entry)
    {
        quarantine(key, entry.Header.Version, entry.Place);
        return true;
    }

    private Reading ReadAt(Key key, RecordVersion? version, Place place, out Record? record)
    {
        record = null;
        switch (store.Log.Read(place.Segment, place.Offset, out EntryHeader header, out byte[]? body))
        {
            case EntryReading.Gone:
                return Reading.Moved;
            case EntryReading.Damaged:
                return Reading.Damaged;
        }

        if (header.Kind != EntryKind.Record
            || header.Key != key
            || (version ?? header.Version) != header.Version)
        {
            return Reading.Other;
        }

        record = RecordCodec.TryDecode(body, out _);
        return record is null ? Reading.Damaged : Reading.Found;
    }
}
