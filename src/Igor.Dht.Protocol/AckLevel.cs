namespace Igor.Dht.Protocol;

/// <summary>
/// How many nodes must hold a write durably before it is acknowledged; not fewer, whatever the level, than
/// the floor of copies that was asked for.
/// </summary>
public enum AckLevel
{
    /// <summary>
    /// As many nodes as the floor of copies says: a single one, mostly the root of the key, where that is 1.
    /// </summary>
    One,

    /// <summary>
    /// A majority of the copies asked for, or of all members where there are fewer; members that failed a
    /// short while ago count as members.
    /// </summary>
    Quorum,

    /// <summary>As many nodes as were asked for: in a ring of fewer nodes such a write fails.</summary>
    All,
}
