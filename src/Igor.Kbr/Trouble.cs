namespace Igor.Kbr;

/// <summary>What keeps a node from doing all that it is there for. One without any is healthy.</summary>
/// <param name="Kind">A short word that scripts may rely on; see <see cref="TroubleKinds"/>.</param>
/// <param name="Text">For people, in one line: the cause and what to do about it.</param>
public sealed record Trouble(string Kind, string Text);

/// <summary>The kinds of troubles that nodes report.</summary>
public static class TroubleKinds
{
    /// <summary>The node has not joined a ring yet.</summary>
    public const string Joining = "joining";

    /// <summary>The node reaches none of those that it was given to join or knows.</summary>
    public const string Alone = "alone";

    /// <summary>Too few of the members that are to answer for keys do.</summary>
    public const string NoMajority = "no-majority";

    /// <summary>No storage node is attached where one is needed.</summary>
    public const string NoMember = "no-member";

    /// <summary>The store cannot write: its disk is full or fails.</summary>
    public const string Disk = "disk";

    /// <summary>Records were found damaged and are not served.</summary>
    public const string Damage = "damaged-records";

    /// <summary>More records than are remembered exist on others and could not be stored here.</summary>
    public const string Lacking = "lacking-records";

    /// <summary>The member is told to go for good, and serves until it can.</summary>
    public const string Draining = "draining";

    /// <summary>The clock of this host or of a peer is off.</summary>
    public const string Clock = "clock";

    /// <summary>Members are connected that drop requests, and were left out.</summary>
    public const string SilentMember = "silent-member";

    /// <summary>Another process runs under the identity of this node.</summary>
    public const string IdentityClash = "identity-clash";

    /// <summary>The connection to the daemon is lost.</summary>
    public const string Daemon = "daemon";
}
