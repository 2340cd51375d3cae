using System.Collections.Immutable;
using System.Globalization;

namespace Igor.Simulation.Histories;

/// <summary>What goes wrong.</summary>
internal enum FaultKind
{
    /// <summary>Nothing gets through between some nodes and others.</summary>
    Cut,

    /// <summary>Nothing gets through from some nodes to others; the other way all does.</summary>
    CutOneWay,

    /// <summary>Ways between some nodes and others are slow and lossy.</summary>
    Clog,

    /// <summary>Processes stand still.</summary>
    Stall,

    /// <summary>Processes are killed, and started again in the end.</summary>
    Kill,

    /// <summary>Machines lose power, and what was not synced, and come back in the end.</summary>
    PowerCut,

    /// <summary>Members leave in order, and come back in the end.</summary>
    Leave,

    /// <summary>Members go for good, and come back in the end all the same.</summary>
    Drain,

    /// <summary>Disks take nothing.</summary>
    FullDisk,

    /// <summary>Disks are slow.</summary>
    SlowDisk,

    /// <summary>Wall clocks are wrong.</summary>
    ClockJump,

    /// <summary>Nodes join that were never there.</summary>
    Join,

    /// <summary>Nodes lose power, and come back when deletes have been forgotten.</summary>
    MonthsAway,
}

/// <summary>A node of the network: by its number, or by how near it is to a key.</summary>
/// <param name="Index">Its number; or how many members are nearer to the key.</param>
/// <param name="Key">Place of the key in the plan; -1 for a node by its number.</param>
internal readonly record struct FaultPlace(int Index, int Key = -1)
{
    public override string ToString() => Key < 0
        ? string.Create(CultureInfo.InvariantCulture, $"node {Index}")
        : string.Create(CultureInfo.InvariantCulture, $"member {Index} from key {Key}");
}

/// <summary>Something that goes wrong for a while.</summary>
/// <param name="Kind">What.</param>
/// <param name="At">From when.</param>
/// <param name="Length">For how long.</param>
/// <param name="Here">Where.</param>
/// <param name="There">The other side of what concerns ways; empty for all others.</param>
/// <param name="Amount">How much: seconds that a clock is off, or a disk takes more.</param>
internal sealed record PlannedFault(
    FaultKind Kind,
    TimeSpan At,
    TimeSpan Length,
    ImmutableArray<FaultPlace> Here,
    ImmutableArray<FaultPlace> There,
    double Amount = 0)
{
    public TimeSpan End => At + Length;
}
