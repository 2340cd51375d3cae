using Igor.Kbr;

namespace Igor.Dht.Protocol;

/// <summary>How an operation on a register ended that was served.</summary>
public enum RegisterOutcomeKind
{
    /// <summary>It was written, or deleted, once.</summary>
    Written,

    /// <summary>The condition did not hold, so that nothing was written.</summary>
    ConditionFailed,

    /// <summary>It was read, and has a value.</summary>
    Found,

    /// <summary>It was read, and has none: it was never written.</summary>
    Absent,

    /// <summary>It was read, and has none: it was deleted.</summary>
    Deleted,
}

/// <summary>The end of an operation on a register.</summary>
public sealed record RegisterResult
{
    /// <summary>The key of the register.</summary>
    public required Key Key { get; init; }

    /// <summary>How it ended.</summary>
    public required RegisterOutcomeKind Outcome { get; init; }

    /// <summary>
    /// The version that was written, or is there; the default when nothing was ever written. A condition that
    /// failed may leave it out.
    /// </summary>
    public RegisterStamp Version { get; init; }

    /// <summary>The value that was read; empty unless found.</summary>
    public ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>
    /// The voters of the register, of which a majority stands for the answer; 0 where the network has no
    /// registers yet.
    /// </summary>
    public int Voters { get; init; }

    /// <summary>
    /// Whether there is another history of the key, of a network that was founded on its own and met this
    /// one: the answer is true for one of the two.
    /// </summary>
    public bool IsContested { get; init; }
}
