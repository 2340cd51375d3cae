namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// What a node knows of the peer at the other end of a link: how much of its time, memory and places the host
/// may give to it.
/// </summary>
public enum PeerStanding
{
    /// <summary>It has not said hello yet.</summary>
    Unknown,

    /// <summary>
    /// It has said hello, and that is all: a client, a node that is still joining, or an identity that was
    /// made a moment ago.
    /// </summary>
    Stranger,

    /// <summary>
    /// It says that it is in the ring, and either this node has found it at an address that it dialled, or it
    /// has chosen this node as its finger and has one of the places that are left to those: its frames are
    /// as good as a member's, but not its word.
    /// </summary>
    Reached,

    /// <summary>It is in the ring and reachable, and this node uses it, as neighbour or as finger.</summary>
    Member,
}
