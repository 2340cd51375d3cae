namespace Igor.Node.Memory;

/// <summary>For whom bytes are held, which decides how many there may be.</summary>
public enum HolderKind
{
    /// <summary>A peer that is no member of the ring that the node uses, or has not said hello.</summary>
    Stranger,

    /// <summary>An application on this host.</summary>
    Application,

    /// <summary>A peer that the node uses as neighbour or finger, and the node itself.</summary>
    Member,
}
