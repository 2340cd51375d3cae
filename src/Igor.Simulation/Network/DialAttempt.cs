using Igor.Kbr.Overlay.Machines;

namespace Igor.Simulation.Network;

/// <summary>An attempt to connect, on its way.</summary>
internal sealed class DialAttempt(DialId dial, DialProgress progress, long deadline)
{
    public DialId Dial { get; } = dial;

    /// <summary>Which of the addresses it is about.</summary>
    public DialProgress Progress { get; } = progress;

    public long Deadline { get; } = deadline;

    public SimulatedNode? Target { get; set; }

    public NodeProcess? TargetProcess { get; set; }

    /// <summary>Why it failed; null while it has not.</summary>
    public string? Failure { get; set; }

    /// <summary>Whether its answer was put off; reset when that comes.</summary>
    public bool IsPostponed { get; set; }
}
