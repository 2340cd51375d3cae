using Igor.Kbr;

namespace Igor.Client;

/// <summary>
/// The time as the daemon told it last, carried on by this process's monotonic clock: the daemon knows the
/// network's time, and its word holds whatever happens to the wall clock.
/// </summary>
internal sealed class DaemonClock
{
    private volatile Word? _word;

    /// <summary>What time it is; before the daemon said, by the host's own clock.</summary>
    public NetworkTime Now => _word is { } word
        ? word.Time with
        {
            UnixMs = word.Time.UnixMs + (long)TimeProvider.System.GetElapsedTime(word.At).TotalMilliseconds,
        }
        : new NetworkTime(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), IsTrusted: false);

    /// <summary>The daemon said what time it is.</summary>
    public void Hear(NetworkTime time)
    {
        if (time.UnixMs > 0)
        {
            _word = new Word(time, TimeProvider.System.GetTimestamp());
        }
    }

    private sealed record Word(NetworkTime Time, long At);
}
