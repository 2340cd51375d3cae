using Igor.Kbr.Overlay.Machines;

namespace Igor.Simulation.Network;

/// <summary>Settings of a <see cref="SimulatedNetwork"/>.</summary>
public sealed record SimulationOptions
{
    /// <summary>The seed: the same one gives the same run.</summary>
    /// <value>Default: 1.</value>
    public ulong Seed { get; init; } = 1;

    /// <summary>Latency between hosts; null for a synthetic model made from the seed.</summary>
    public ILatencyModel? Latency { get; init; }

    /// <summary>Random addition to each latency, as the mean fraction of it. 0 to 1.</summary>
    /// <value>Default: 0.02.</value>
    public double JitterFraction { get; init; } = 0.02;

    /// <summary>
    /// Fraction of packets lost. Links are TCP-like, so a loss shows as a delay of that frame and of all
    /// behind it: 200 ms and a round trip, twice as much for each further loss. 0 to 0.5.
    /// </summary>
    /// <value>Default: 0.</value>
    public double Loss { get; init; }

    /// <summary>What a host can send, in bytes per second. At least 1000.</summary>
    /// <value>Default: 12.5 million (100 Mbit/s).</value>
    public double UplinkBytesPerSecond { get; init; } = 12_500_000;

    /// <summary>Most bytes that wait on a link before sends are refused. At least 64 KiB.</summary>
    /// <value>Default: 8 MiB, as in a real node.</value>
    public int LinkBacklogBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>How long an attempt to connect may take. 0.1 s to 60 s.</summary>
    /// <value>Default: 5 s.</value>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Settings of every node; addresses and bootstrap are filled in by the simulation.</summary>
    public OverlayOptions Overlay { get; init; } = new();

    /// <summary>What the wall clocks show at virtual time 0.</summary>
    /// <value>Default: 2026-01-01.</value>
    public DateTimeOffset WallClockStart { get; init; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Wall clocks are wrong by up to this much in either direction; drawn for each host.</summary>
    /// <value>Default: 0.</value>
    public TimeSpan ClockSkewMax { get; init; }

    /// <summary>
    /// How many of its last reports each node keeps, for people (<see cref="SimulatedNode.Events"/>). At
    /// least 0.
    /// </summary>
    /// <value>Default: 0. They cost more than the nodes, where there are thousands.</value>
    public int EventsKept { get; init; }

    /// <summary>Names the option whose value is wrong, or null when all are well.</summary>
    public string? Error() => this switch
    {
        { JitterFraction: < 0 or > 1 } => $"{nameof(JitterFraction)} is {JitterFraction}, must be 0 to 1",
        { Loss: < 0 or > 0.5 } => $"{nameof(Loss)} is {Loss}, must be 0 to 0.5",
        { UplinkBytesPerSecond: < 1000 } => $"{nameof(UplinkBytesPerSecond)} must be at least 1000",
        { LinkBacklogBytesMax: < 65536 } => $"{nameof(LinkBacklogBytesMax)} must be at least 65536",
        _ when ConnectTimeout < TimeSpan.FromSeconds(0.1) || ConnectTimeout > TimeSpan.FromMinutes(1) =>
            $"{nameof(ConnectTimeout)} is {ConnectTimeout}, must be 0.1 s to 60 s",
        { EventsKept: < 0 } => $"{nameof(EventsKept)} must not be negative",
        _ when ClockSkewMax < TimeSpan.Zero => $"{nameof(ClockSkewMax)} must not be negative",
        _ => null,
    };
}
