namespace Igor.Dht.Protocol;

/// <summary>How far a node is that goes for good.</summary>
public enum DrainStage
{
    /// <summary>It does not go.</summary>
    None,

    /// <summary>What it holds is given to those who take its place; it serves meanwhile.</summary>
    Moving,

    /// <summary>It begins no more puts, compares once more, and asks the others whether it may go.</summary>
    Closing,

    /// <summary>It keeps no records for others any more: it can be stopped.</summary>
    Drained,

    /// <summary>Its time was over: it is a member as before.</summary>
    Failed,
}

/// <summary>What a node that goes for good says of itself.</summary>
public sealed record DrainProgress
{
    /// <summary>How far it is.</summary>
    public DrainStage Stage { get; init; }

    /// <summary>Number of members that are to have what it holds.</summary>
    public int Peers { get; init; }

    /// <summary>Number of those that were found to have it, in the comparison that is under way.</summary>
    public int PeersDone { get; init; }

    /// <summary>Number of records that it holds.</summary>
    public int Records { get; init; }

    /// <summary>Number of copies that it gave away.</summary>
    public long CopiesGiven { get; init; }

    /// <summary>Number of cells of the ring that it votes about or coordinates.</summary>
    public int Cells { get; init; }

    /// <summary>What it waits for, or why it failed, for people; empty for nothing but time.</summary>
    public string Obstacle { get; init; } = string.Empty;
}
