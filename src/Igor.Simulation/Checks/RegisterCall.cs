namespace Igor.Simulation.Checks;

/// <summary>What a call does to a register.</summary>
public enum RegisterCallKind
{
    /// <summary>It reads the value.</summary>
    Read,

    /// <summary>It writes a value, whatever is there.</summary>
    Write,

    /// <summary>It writes a value if the expected one is there.</summary>
    CompareAndSwap,
}

/// <summary>
/// A call on one register, as its client saw it. Values are numbers, each written by one call at most; null
/// is a register without a value, and what a delete writes.
/// </summary>
public sealed record RegisterCall
{
    /// <summary>What it does.</summary>
    public required RegisterCallKind Kind { get; init; }

    /// <summary>When it was made.</summary>
    public required TimeSpan CalledAt { get; init; }

    /// <summary>
    /// When it ended; null when that is not known, so that it may have been done at any time since, or be
    /// done yet.
    /// </summary>
    public TimeSpan? EndedAt { get; init; }

    /// <summary>What it wrote, or would have.</summary>
    public long? Written { get; init; }

    /// <summary>What a compare-and-swap expected.</summary>
    public long? Expected { get; init; }

    /// <summary>What a read found.</summary>
    public long? Found { get; init; }

    /// <summary>Whether a compare-and-swap that ended was done.</summary>
    public bool IsSwapped { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        RegisterCallKind.Read => $"{Time} read {Text(Found)}",
        RegisterCallKind.Write => $"{Time} write {Text(Written)}",
        _ => $"{Time} swap {Text(Expected)} for {Text(Written)}: "
            + (EndedAt is null ? "unknown" : IsSwapped ? "done" : "another is there"),
    };

    private string Time => $"[{CalledAt.TotalMilliseconds:f3} to {EndedAt?.TotalMilliseconds:f3} ms]";

    private static string Text(long? value) => value?.ToString(provider: null) ?? "nothing";
}
