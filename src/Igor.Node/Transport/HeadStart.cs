using System.Diagnostics;

namespace Igor.Node.Transport;

/// <summary>
/// The time that an attempt in an <see cref="AddressRace"/> has for itself before the next one begins.
/// </summary>
/// <param name="time">So much of it, unless it is renewed.</param>
/// <param name="lost">Cancelled when another attempt has won.</param>
/// <param name="outer">
/// That of the attempt which this one is a part of, such as one of a name's IP addresses: renewed with it.
/// </param>
internal sealed class HeadStart(TimeSpan time, CancellationToken lost, HeadStart? outer = null)
{
    private readonly Lock _gate = new();
    private TimeSpan _end = Now + time;

    /// <summary>Cancelled when another attempt has won.</summary>
    public CancellationToken Lost => lost;

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <summary>Something answers: it gets so much time from now at least.</summary>
    public void Renew(TimeSpan more)
    {
        lock (_gate)
        {
            TimeSpan end = Now + more;
            _end = end > _end ? end : _end; // another part's may last longer
        }

        outer?.Renew(more);
    }

    /// <summary>Waits until it is over.</summary>
    public async Task OverAsync()
    {
        while (Left() is { Ticks: > 0 } left)
        {
            await Task.Delay(left, lost).ConfigureAwait(false);
        }
    }

    private TimeSpan Left()
    {
        lock (_gate)
        {
            return _end - Now;
        }
    }
}
