using Igor.Simulation.Faults;

namespace Igor.Simulation.Dht;

/// <summary>How the disk below a simulated record store behaves.</summary>
public sealed record SimulatedStoreOptions
{
    /// <summary>Shortest time of a commit (one for all writes that wait). 0 to 1 min.</summary>
    /// <value>Default: 1 ms.</value>
    public TimeSpan CommitMin { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Longest time of a commit. Not below the shortest.</summary>
    /// <value>Default: 10 ms, a busy disk.</value>
    public TimeSpan CommitMax { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Time of a read. 0 to 1 min.</summary>
    /// <value>Default: 0.2 ms.</value>
    public TimeSpan Read { get; init; } = TimeSpan.FromMilliseconds(0.2);

    /// <summary>Fraction of commits that take a hundred times as long. 0 to 1.</summary>
    /// <value>Default: 0.</value>
    public double StallFraction { get; init; }

    /// <summary>Fraction of commits that fail, so that nothing in them is kept. 0 to 1.</summary>
    /// <value>Default: 0.</value>
    public double FailureFraction { get; init; }

    /// <summary>A fault that is planted.</summary>
    internal PlantedFault Planted { get; init; }
}
