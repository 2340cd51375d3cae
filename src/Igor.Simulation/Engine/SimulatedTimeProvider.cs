namespace Igor.Simulation.Engine;

/// <summary>
/// Virtual time as a <see cref="TimeProvider"/>: for <c>Task.Delay(delay, provider)</c>,
/// <c>new CancellationTokenSource(delay, provider)</c>, <c>PeriodicTimer</c>. Callbacks are events of the
/// run.
/// </summary>
internal sealed class SimulatedTimeProvider(SimulationEngine engine, Func<DateTimeOffset> epoch)
    : TimeProvider
{
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => epoch() + engine.Now;

    public override long GetTimestamp() => engine.Now.Ticks;

    public override ITimer CreateTimer(
        TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        engine.PrepareAwait();
        var timer = new VirtualTimer(engine, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class VirtualTimer(SimulationEngine engine, TimerCallback callback, object? state) : ITimer
    {
        private long _setting;
        private bool _isDisposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            engine.CheckThread();
            if (_isDisposed)
            {
                return false;
            }

            Set(++_setting, dueTime, period);
            return true;
        }

        // What it belongs to may be disposed by anybody, also by a finalizer.
        public void Dispose() => _isDisposed = true;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Set(long setting, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime >= TimeSpan.Zero)
            {
                engine.After(dueTime, () => Ring(setting, period));
            }
        }

        private void Ring(long setting, TimeSpan period)
        {
            if (_isDisposed || setting != _setting)
            {
                return;
            }

            if (period > TimeSpan.Zero)
            {
                Set(setting, period, period);
            }

            SimulationEngine.Complete(static call => call.callback(call.state), (callback, state));
        }
    }
}
