namespace Igor.Local.Sockets;

/// <summary>
/// Tells whether bytes that wait stand still. Each time the patience has passed, a part of what waited must
/// have moved: an end that takes a byte now and then stands still too. Time is given with each look.
/// </summary>
/// <param name="patience">Time in which something has to move.</param>
/// <param name="waitingMin">Fewer bytes may wait for ever.</param>
internal sealed class StallWatch(TimeSpan patience, int waitingMin = 1)
{
    /// <summary>
    /// What must move while the patience lasts, or all that waits when that is less: some 26 kbit/s with 10 s
    /// of patience, which any link has that can carry a node.
    /// </summary>
    private const long DueBytes = 32 * 1024;

    private TimeSpan? _since;
    private long _movedBefore;
    private long _due;

    /// <summary>Looks.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="waiting">Bytes that wait now.</param>
    /// <param name="moved">Bytes that have moved so far, in all.</param>
    public bool IsStalled(TimeSpan now, long waiting, long moved)
    {
        if (waiting < waitingMin)
        {
            _since = null;
            return false;
        }

        if (_since is not { } since || moved - _movedBefore >= _due)
        {
            _since = now;
            _movedBefore = moved;
            _due = Math.Min(waiting, DueBytes);
            return false;
        }

        return now - since >= patience;
    }
}
