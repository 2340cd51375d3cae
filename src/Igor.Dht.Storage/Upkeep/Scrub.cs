using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Dht.Storage.Writing;
using Igor.Kbr;

namespace Igor.Dht.Storage.Upkeep;

/// <summary>
/// Verifies all stored records over and over, slowly, so that damage is found while replicas are left.
/// </summary>
internal sealed class Scrub(StoreContext store, StoreWriter writer)
{
    private const int ListedAtOnce = 64;
    private Key _from;
    private long _lastAtMs = Environment.TickCount64;
    private double _budget;

    /// <summary>Verifies as much as time has passed for.</summary>
    /// <exception cref="IndexDamagedException">The index cannot be relied upon.</exception>
    public void Step()
    {
        long speed = store.Options.ScrubBytesPerSecond;
        long now = Environment.TickCount64;
        _budget = Math.Min(speed, _budget + ((now - _lastAtMs) / 1000.0 * speed));
        _lastAtMs = now;
        while (_budget > 0 && VerifySome())
        {
        }
    }

    /// <summary>Verifies some records; false at the end of a round.</summary>
    private bool VerifySome()
    {
        Catalog catalog = store.Catalog;
        List<IndexEntry> entries = catalog.Index.List(_from, null, ListedAtOnce);
        foreach (IndexEntry entry in entries)
        {
            _budget -= entry.Place.EntryBytes;
            if (catalog.Look(entry.Header.Key).Kind is SightingKind.Hinted or SightingKind.Unlisted)
            {
                Verify(entry);
            }
        }

        bool isRoundDone = entries.Count < ListedAtOnce || entries[^1].Header.Key == Key.Max;
        _from = isRoundDone ? Key.Zero : entries[^1].Header.Key + new Key(0, 0, 0, 1);
        return !isRoundDone;
    }

    private void Verify(IndexEntry entry)
    {
        Place place = entry.Place;
        EntryReading reading = store.Log.Read(place.Segment, place.Offset, out EntryHeader header, out _);
        if (reading == EntryReading.Damaged)
        {
            writer.TryEnqueue(new StoreCommand(StoreCommandKind.Quarantine)
            {
                Key = entry.Header.Key,
                Version = entry.Header.Version,
                Place = place,
            });
        }
        else if (reading == EntryReading.Intact && header.Key != entry.Header.Key)
        {
            throw new IndexDamagedException(
                $"the place of {entry.Header.Key.ToShortString()} holds another key");
        }
    }
}
