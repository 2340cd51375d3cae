namespace Igor.Kbr.Wire;

/// <summary>What a connection is opened for, as whoever dials says in its hello.</summary>
internal enum LinkPurpose
{
    /// <summary>To find a ring; it goes when that is done.</summary>
    Entry = 0,

    /// <summary>To a node that would be a neighbour.</summary>
    Neighbour = 1,

    /// <summary>To a node far away that fills a slot of both ends' finger tables.</summary>
    Finger = 2,

    /// <summary>Of a node that takes no part in the ring.</summary>
    Client = 3,

    /// <summary>To the node where members of a service find each other.</summary>
    MeetingPlace = 4,
}
