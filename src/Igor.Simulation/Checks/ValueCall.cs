using System.Globalization;
using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Records;

namespace Igor.Simulation.Checks;

/// <summary>What a call does to a record of type `value`.</summary>
public enum ValueCallKind
{
    /// <summary>It reads the record.</summary>
    Read,

    /// <summary>It writes a record.</summary>
    Write,

    /// <summary>It deletes what is there.</summary>
    Delete,
}

/// <summary>
/// A call on one record of type `value`, as its client saw it. Values are numbers, each written by one call
/// at most.
/// </summary>
public sealed record ValueCall
{
    /// <summary>What it does.</summary>
    public required ValueCallKind Kind { get; init; }

    /// <summary>When it was made.</summary>
    public required TimeSpan CalledAt { get; init; }

    /// <summary>
    /// When a read ended, or a write was acknowledged; null for a write that was not: it may have been done,
    /// or be done yet.
    /// </summary>
    public TimeSpan? EndedAt { get; init; }

    /// <summary>The right time when that was, in milliseconds since 1970 UTC.</summary>
    public long UnixMs { get; init; }

    /// <summary>What it wrote, or would have.</summary>
    public long? Written { get; init; }

    /// <summary>How long that was to live; null for ever.</summary>
    public TimeSpan? TimeToLive { get; init; }

    /// <summary>Whether a majority of the copies had to be durable before it was acknowledged.</summary>
    public bool IsByMajority { get; init; }

    /// <summary>The version that was acknowledged, or read.</summary>
    public RecordVersion Version { get; init; }

    /// <summary>How a read ended.</summary>
    public GetOutcome? Outcome { get; init; }

    /// <summary>What a read found.</summary>
    public long? Found { get; init; }

    /// <summary>Whether the answer or receipt says itself that it stands on less than a majority.</summary>
    public bool IsMarked { get; init; }

    /// <summary>Who made it, for people.</summary>
    public string By { get; init; } = string.Empty;

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        ValueCallKind.Read => $"{Time} {By} read: {Outcome} {Found}{Mark} {Version}",
        ValueCallKind.Write => $"{Time} {By} wrote {Written}: {Ending}",
        _ => $"{Time} {By} deleted: {Ending}",
    };

    private string Ending => EndedAt is null ? "unknown"
        : $"acknowledged{Mark} as {Version}";

    private string Mark => IsMarked ? " (marked)" : string.Empty;

    private string Time => string.Create(
        CultureInfo.InvariantCulture, $"[{CalledAt.TotalSeconds:f3} to {EndedAt?.TotalSeconds:f3} s]");
}
