namespace Igor.Node;

/// <summary>
/// Gives memory back to the system after a burst. A node that falls idle makes no garbage, so that nothing
/// would be collected, and what the burst took would stay with it for hours.
/// </summary>
internal sealed class MemoryReturn(ByteBudget bytes)
{
    /// <summary>Less than this is not worth a full collection.</summary>
    private const long BurstBytes = 8 * 1024 * 1024;

    /// <summary>Looks for which it has to be quiet.</summary>
    private const int QuietLooks = 2;

    private long _burst;
    private int _quiet;

    /// <summary>Looks whether a burst has passed; called from time to time, by one at a time.</summary>
    public void Look()
    {
        long peak = bytes.TakePeak();
        if (peak >= BurstBytes)
        {
            _burst = peak;
            _quiet = 0;
        }
        else if (_burst > 0 && ++_quiet >= QuietLooks)
        {
            _burst = 0;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }
}
