namespace Igor.Simulation.Histories;

/// <summary>What the time is when a call begins or ends, for who judges it.</summary>
internal interface ICallClock
{
    /// <summary>Time on a clock that never goes back, the same for all clients.</summary>
    TimeSpan Now { get; }

    /// <summary>The right time, in milliseconds since 1970 UTC.</summary>
    long UnixMs { get; }
}
