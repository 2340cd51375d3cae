namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// A machine that has deadlines of its own, for what is too frequent or too many for timers. Those that have
/// none are not asked for any: a node's deadline would find all of them cold, thousands of times a second in
/// a simulation.
/// </summary>
internal abstract class TimedMachine : Machine
{
    /// <summary>When <see cref="HandleDeadline"/> wants to be called; null for never.</summary>
    public virtual TimeSpan? NextDeadline => null;

    /// <summary>Some deadline has passed, perhaps this machine's, or a timer's.</summary>
    public abstract void HandleDeadline(TimeSpan now);
}
