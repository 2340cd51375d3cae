using System.Collections.Immutable;
using System.Globalization;

namespace Igor.Simulation.Histories;

/// <summary>
/// What happens in one run: who calls what, and which faults come when. Times count from when the network is
/// whole. It is drawn from a seed, and what is left out of it leaves the rest as it was, so that a plan that
/// fails can be made smaller.
/// </summary>
internal sealed record HistoryPlan
{
    /// <summary>What the network, clocks and disks are drawn from.</summary>
    public required ulong Seed { get; init; }

    public required int Nodes { get; init; }

    public required ImmutableArray<PlannedKey> Keys { get; init; }

    public required ImmutableArray<PlannedCall> Calls { get; init; }

    public required ImmutableArray<PlannedFault> Faults { get; init; }

    /// <summary>When the last fault is over.</summary>
    public required TimeSpan Length { get; init; }

    /// <summary>Fraction of packets lost, all the time.</summary>
    public double Loss { get; init; }

    /// <summary>How far monotonic clocks are off at most, as a fraction.</summary>
    public double Drift { get; init; }

    /// <summary>How far wall clocks are off at most.</summary>
    public TimeSpan ClockSkew { get; init; }

    /// <summary>Time between two synchronisations of records.</summary>
    public TimeSpan SyncPeriod { get; init; } = TimeSpan.FromSeconds(10);

    public int Clients => Calls.Select(call => call.Client).Distinct().Count();

    /// <summary>Whether clocks are right enough for ends of lives to be judged.</summary>
    public bool HasRightClocks => Faults.All(fault => fault.Kind != FaultKind.ClockJump);

    /// <summary>One line for people.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"seed {Seed}: {Nodes} nodes, {Clients} clients, {Calls.Length} calls on {Keys.Length} keys, "
        + $"{Faults.Length} faults in {Length.TotalSeconds:F0} s, loss {Loss:P1}, drift {Drift:P1}");
}
