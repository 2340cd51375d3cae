using System.Diagnostics;

namespace Igor.Node.Transport;

/// <summary>
/// The time that an attempt in an <see cref="AddressRace"/> has for itself before the next one begins.
/// </summary>
/// <param name="time">So much of it, unless it is renewed.</param>
/// <param name="lost">Cancelled when another attempt has won.</param>
internal sealed class HeadStart(TimeSpan time, CancellationToken lost)
{
    private long _began = Stopwatch.GetTimestamp();
    private long _ticks = time.Ticks;

    /// <summary>Cancelled when another attempt has won.</summary>
    public CancellationToken Lost => lost;

    /// <summary>Something answers: it gets so much time from now.</summary>
    public void Renew(TimeSpan more)
    {
        Volatile.Write(ref _began, Stopwatch.GetTimestamp());
        Volatile.Write(ref _ticks, more.Ticks);
    }

    /// <summary>Waits until it is over.</summary>
    public async Task OverAsync()
    {
        while (new TimeSpan(Volatile.Read(ref _ticks)) - Stopwatch.GetElapsedTime(Volatile.Read(ref _began))
            is { Ticks: > 0 } left)
        {
            await Task.Delay(left, lost).ConfigureAwait(false);
        }
    }
}
