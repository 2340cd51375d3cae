using System.Diagnostics;

namespace Igor.Node.Memory;

/// <summary>
/// Gives memory back to the system after a burst. A node that falls idle makes no garbage, so that nothing
/// would be collected, and what the burst took would stay with it for hours. All work stands still meanwhile,
/// so that it is done seldom and for something only: whoever causes bursts must not cause pauses.
/// </summary>
internal sealed class MemoryReturn(ByteBudget bytes)
{
    /// <summary>Less than this is not worth a full collection.</summary>
    internal const long BurstBytes = 8 * 1024 * 1024;

    /// <summary>Looks for which it has to be quiet.</summary>
    internal const int QuietLooks = 2;

    /// <summary>A pause of some tens of milliseconds in this time is nothing.</summary>
    internal static readonly TimeSpan Period = TimeSpan.FromMinutes(5);

    private bool _hadBurst;
    private int _quiet;
    private long? _idleBytes;
    private TimeSpan? _returnedAt;

    /// <summary>The process's memory that a collection may give back.</summary>
    private static long HeapBytes =>
        Math.Max(GC.GetTotalMemory(false), GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes);

    /// <summary>Looks whether a burst has passed; called from time to time, by one at a time.</summary>
    public void Look()
    {
        TimeSpan now = Stopwatch.GetElapsedTime(0);
        if (IsDue(now, HeapBytes))
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            NoteReturned(now, HeapBytes);
        }
    }

    /// <summary>Whether a burst has passed and left something behind.</summary>
    internal bool IsDue(TimeSpan now, long heapBytes)
    {
        _idleBytes ??= heapBytes;
        if (bytes.TakePeak() >= BurstBytes)
        {
            _hadBurst = true;
            _quiet = 0;
            return false;
        }

        if (!_hadBurst || ++_quiet < QuietLooks || now - _returnedAt < Period)
        {
            return false;
        }

        _hadBurst = false;
        return heapBytes - _idleBytes >= BurstBytes;
    }

    /// <summary>Memory was given back.</summary>
    internal void NoteReturned(TimeSpan now, long heapBytes)
    {
        _returnedAt = now;
        _idleBytes = heapBytes;
    }
}
