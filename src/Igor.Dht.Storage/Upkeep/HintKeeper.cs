using Igor.Dht.Storage.Hints;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;

namespace Igor.Dht.Storage.Upkeep;

/// <summary>
/// Writes the hint of each segment that is not written to any more, by reading it once, which also verifies
/// what was just written. Belongs to the upkeep's thread.
/// </summary>
internal sealed class HintKeeper(StoreContext store)
{
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(10);

    // What has to be left free beside a hint, for records.
    private const long FreeBytesMin = 1024 * 1024;

    private readonly HintEntries _entries = new();
    private long _retryAtMs;

    /// <summary>Writes the hint of the oldest segment that has none; whether there was one.</summary>
    public bool Step()
    {
        if (Environment.TickCount64 < _retryAtMs)
        {
            return false;
        }

        int activeId = store.Log.ActiveId;
        Segment? segment = store.Log.Segments.FirstOrDefault(one => !one.IsHinted && one.Id < activeId);
        if (segment is null)
        {
            return false;
        }

        try
        {
            if (store.IsFull || store.Reserve.FreeBytes < FreeBytesMin + (segment.Length / 2))
            {
                Pause();
                return false;
            }

            Write(segment, isTail: false);
            return true;
        }
        catch (ObjectDisposedException)
        {
            return true; // it was compacted meanwhile
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e))
        {
            Pause();
            return false;
        }
    }

    /// <summary>
    /// When nothing is written any more: writes what hints are missing, that of the last segment too, so that
    /// the next start need not read it.
    /// </summary>
    /// <exception cref="IOException">The disk is full, read-only or failed.</exception>
    public void Finish()
    {
        foreach (Segment segment in store.Log.Segments.Where(one => !one.IsHinted))
        {
            Write(segment, isTail: segment.Id == store.Log.ActiveId);
        }
    }

    private void Write(Segment segment, bool isTail)
    {
        if (segment is { IsReadOnly: false } && segment.SyncedLength < segment.Length)
        {
            segment.Sync(); // a hint names nothing that is not on disk
        }

        SegmentSurvey survey = SegmentSurvey.Of(segment, 0, isTail, _entries);
        lock (store.HintGate)
        {
            // A hint without its segment would tell of a loss.
            if (!survey.HasUnreadable && store.Log.Find(segment.Id) is not null)
            {
                HintFile.Write(store.HintsFolder, _entries);
            }
        }

        segment.IsHinted = true;
    }

    private void Pause() => _retryAtMs = Environment.TickCount64 + (long)RetryPeriod.TotalMilliseconds;
}
