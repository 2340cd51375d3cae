using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Dht.Storage.Writing;
using Igor.Kbr;

namespace Igor.Dht.Storage.OnDisk;

/// <summary>Reads records, and verifies each before it is served.</summary>
internal sealed class RecordReader(StoreContext store, StoreWriter writer)
{
    // A record moves when its segment is compacted; it cannot be overtaken by that again and again.
    private const int AttemptsMax = 8;

    /// <summary>Answers from memory, if memory knows.</summary>
    public bool TryReadAtOnce(Key key, out Record? record)
    {
        record = store.Cache.Find(key);
        return record is not null || store.Index.Find(key) is null;
    }

    /// <summary>
    /// Reads a record; null when there is none, or when it is damaged: once that is written down.
    /// </summary>
    public void Read(Key key, Action<Record?> completed)
    {
        int left = AttemptsMax;
        while (left-- > 0 && store.Index.Find(key) is StoredRecord stored)
        {
            Place place = stored.Place;
            EntryReading reading =
                store.Log.Read(place.Segment, place.Offset, out EntryHeader header, out byte[]? body);
            bool isOurs = reading == EntryReading.Intact && header.Kind == EntryKind.Record
                && header.Key == key && header.Version == stored.Version;
            if (isOurs && RecordCodec.TryDecode(body, out _) is Record record)
            {
                store.Index.IfStillAt(key, place, () => store.Cache.Put(record));
                completed(record);
                return;
            }

            if (store.Index.Find(key)?.Place == place)
            {
                Quarantine(key, stored, completed);
                return;
            }
        }

        completed(null);
    }

    private void Quarantine(Key key, StoredRecord stored, Action<Record?> completed)
    {
        bool isQueued = writer.TryEnqueue(new StoreCommand(StoreCommandKind.Quarantine)
        {
            Key = key,
            Version = stored.Version,
            Place = stored.Place,
            Completed = _ => completed(null),
        });
        if (!isQueued)
        {
            completed(null);
        }
    }
}
