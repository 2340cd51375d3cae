namespace Igor.Dht.Cli.Demo;

/// <summary>What happened in a demonstration.</summary>
internal sealed record DemoReport
{
    /// <summary>Number of nodes that were started.</summary>
    public required int Nodes { get; init; }

    /// <summary>Time until all nodes were in the ring.</summary>
    public required TimeSpan StartTime { get; init; }

    /// <summary>Number of records that were put.</summary>
    public required int Records { get; init; }

    /// <summary>Bytes of all values together.</summary>
    public required long ValueBytes { get; init; }

    /// <summary>Puts that were acknowledged: on the disks of a majority of the record's replicas.</summary>
    public required int Acknowledged { get; init; }

    /// <summary>Time that all puts took.</summary>
    public required TimeSpan PutTime { get; init; }

    /// <summary>The nodes that were killed, by number.</summary>
    public required IReadOnlyList<int> Killed { get; init; }

    /// <summary>Records that a surviving node returned, byte for byte, right after the kill.</summary>
    public required int Readable { get; init; }

    /// <summary>Time that all gets took.</summary>
    public required TimeSpan GetTime { get; init; }

    /// <summary>The get that took longest.</summary>
    public required TimeSpan SlowestGet { get; init; }

    /// <summary>The first thing that went wrong; null when nothing did.</summary>
    public string? Trouble { get; init; }

    /// <summary>Whether every record was acknowledged and read back.</summary>
    public bool IsComplete => Acknowledged == Records && Readable == Records;
}

/// <summary>How far a phase of a demonstration is.</summary>
/// <param name="Phase">What is being done.</param>
/// <param name="Done">How much of it is done.</param>
/// <param name="Total">How much there is to do.</param>
internal readonly record struct DemoProgress(string Phase, int Done, int Total);
