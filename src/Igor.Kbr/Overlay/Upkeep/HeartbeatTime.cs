namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// When a peer gets the next heartbeat: with its period, and soon after something changed that it should see.
/// </summary>
internal struct HeartbeatTime
{
    /// <summary>Spread of a period, so that heartbeats of many peers do not fall together.</summary>
    private const double Spread = 0.1;

    /// <summary>No heartbeat is due before one was sent.</summary>
    public HeartbeatTime()
    {
    }

    /// <summary>When it is due.</summary>
    public TimeSpan DueAt { get; private set; } = TimeSpan.MaxValue;

    /// <summary>One was sent.</summary>
    public void HandleSent(TimeSpan now, TimeSpan period, SeededRandom random) =>
        DueAt = now + random.Jitter(period, Spread);

    /// <summary>The next one goes no later than that.</summary>
    public void Hasten(TimeSpan at) => DueAt = at < DueAt ? at : DueAt;
}
