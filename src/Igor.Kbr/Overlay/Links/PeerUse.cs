namespace Igor.Kbr.Overlay.Links;

/// <summary>What this node needs a peer for, whatever the peer says; the least needed comes first.</summary>
internal enum PeerUse
{
    None,

    /// <summary>
    /// It chose this node as its finger, and not this node it: messages go its way, but nothing else rests on
    /// it, since anybody can dial.
    /// </summary>
    ChosenBy,

    /// <summary>It is where members of a service find each other.</summary>
    MeetingPlace,

    /// <summary>It fills a slot of the finger table that this node has looked up.</summary>
    Finger,

    /// <summary>It is a neighbour in some service.</summary>
    ServiceNeighbour,

    /// <summary>It is a neighbour in the ring of all, without which nothing is routed right.</summary>
    RingNeighbour,
}
