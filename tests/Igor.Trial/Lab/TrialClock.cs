using System.Diagnostics;
using Igor.Simulation.Histories;

namespace Igor.Trial.Lab;

/// <summary>The one clock that all calls are noted with.</summary>
internal sealed class TrialClock : ICallClock
{
    private readonly long _start = Stopwatch.GetTimestamp();

    public TimeSpan Now => Stopwatch.GetElapsedTime(_start);

    public long UnixMs => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    public Task UntilAsync(TimeSpan at, CancellationToken cancellation)
    {
        TimeSpan left = at - Now;
        return left > TimeSpan.Zero ? Task.Delay(left, cancellation) : Task.CompletedTask;
    }
}
