namespace Igor.Dht.Protocol;

/// <summary>What kind of thing went wrong.</summary>
public enum DhtError
{
    /// <summary>Local trouble: disk, port, socket, a closed DHT.</summary>
    Local,

    /// <summary>Fewer nodes than asked for hold the record (some may).</summary>
    NotEnoughReplicas,

    /// <summary>The root of the key could not be reached in time.</summary>
    Unreachable,

    /// <summary>
    /// The write may have been done, or be done yet: whoever could say so did not answer in time.
    /// </summary>
    Unknown,

    /// <summary>Refused: quota, type, size, permission.</summary>
    Refused,

    /// <summary>
    /// Neither a node to attach to nor a store to open, and none is made: the options say so.
    /// </summary>
    NoStore,
}
