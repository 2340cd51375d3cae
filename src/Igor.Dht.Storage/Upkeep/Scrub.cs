using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Ring;
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
    private long _beganAtMs;
    private long _roundAtMs;
    private double _budget;

    /// <summary>Verifies as much as time has passed for.</summary>
    public void Step()
    {
        long speed = store.Options.ScrubBytesPerSecond;
        long now = Environment.TickCount64;
        _budget = Math.Min(speed, _budget + ((now - _lastAtMs) / 1000.0 * speed));
        _lastAtMs = now;
        while (_budget > 0 && now >= _roundAtMs && VerifySome())
        {
        }
    }

    /// <summary>Verifies some records; false at the end of a round.</summary>
    private bool VerifySome()
    {
        if (_from == Key.Zero)
        {
            _beganAtMs = _lastAtMs;
        }

        List<RecordSlot> records = store.Index.ListFrom(_from, ListedAtOnce);
        foreach (RecordSlot record in records)
        {
            Place place = StoreIndex.PlaceOf(record);
            _budget -= place.EntryBytes;
            if (store.Log.Read(place.Segment, place.Offset, out _, out _) == EntryReading.Damaged)
            {
                writer.TryEnqueue(new StoreCommand(StoreCommandKind.Quarantine)
                {
                    Key = record.Key,
                    Version = record.Version,
                    Place = place,
                });
            }
        }

        bool isRoundDone = records.Count < ListedAtOnce || records[^1].Key == Key.Max;
        _from = isRoundDone ? Key.Zero : records[^1].Key + KeySpan.One;
        _roundAtMs = isRoundDone ? _beganAtMs + (long)store.Options.ScrubRoundMin.TotalMilliseconds : 0;
        return !isRoundDone;
    }
}
