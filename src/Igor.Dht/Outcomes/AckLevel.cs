namespace Igor.Dht;

/// <summary>How many nodes must hold a write durably before it is acknowledged.</summary>
public enum AckLevel
{
    /// <summary>The root of the key alone.</summary>
    One,

    /// <summary>
    /// A majority of the nodes that are to hold the record; all that exist count, the dead included.
    /// </summary>
    Quorum,

    /// <summary>Every node that is to hold the record and is alive.</summary>
    All,
}
