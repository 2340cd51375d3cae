namespace Igor.Kbr;

/// <summary>How a node stands to the ring of its network.</summary>
public enum RingState
{
    /// <summary>It looks for a ring to join, and serves nobody yet.</summary>
    Joining,

    /// <summary>It is an active member and reaches others.</summary>
    Joined,

    /// <summary>It is a ring of its own, rightly: it has nobody to join, or was told to found one.</summary>
    Founded,

    /// <summary>
    /// It was given somebody to join, or knows members from before, and reaches none: what it holds may be
    /// old, and it may not act as if it were the whole network.
    /// </summary>
    Alone,
}

/// <summary>How a node stands to the ring, and why.</summary>
/// <param name="State">How it stands.</param>
/// <param name="Reason">
/// For people, in one line: why it is alone, or what it waits for while it joins; empty in the other states.
/// </param>
public sealed record RingStanding(RingState State, string Reason)
{
    /// <summary>Looking for a ring.</summary>
    public static RingStanding Joining { get; } = new(RingState.Joining, string.Empty);

    /// <summary>A member that reaches others.</summary>
    public static RingStanding Joined { get; } = new(RingState.Joined, string.Empty);

    /// <summary>Rightly a ring of its own.</summary>
    public static RingStanding Founded { get; } = new(RingState.Founded, string.Empty);

    /// <summary>Whether it is in a ring that it may act for: joined or founded.</summary>
    public bool IsJoined => State is RingState.Joined or RingState.Founded;

    /// <summary>Reaching nobody, for a reason.</summary>
    public static RingStanding Alone(string reason) => new(RingState.Alone, reason);
}
