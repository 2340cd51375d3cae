namespace Igor.Kbr.Wire;

/// <summary>The first field of every frame between peers.</summary>
internal enum MessageType
{
    Hello = 1,
    Services = 2,
    Ping = 3,
    Pong = 4,
    Goodbye = 5,
    Neighbours = 6,
    Heartbeat = 7,
    ServiceQuery = 8,
    ServiceMembers = 9,
    Refused = 10,
    IdentityClash = 11,
    RequestQuery = 12,
    RequestState = 13,
    SilentPeer = 14,
    ServicesQuery = 15,
    Route = 16,
    Reply = 17,
    QuietPeer = 18,
    Accept = 19,
    PlaceQuery = 20,
    PlaceReply = 21,
}

/// <summary>Why a peer says goodbye.</summary>
internal enum GoodbyeReason
{
    Leaving = 1,
    WrongNetwork = 2,
    WrongVersion = 3,
    Full = 4,
    Unneeded = 5,
    ProtocolError = 6,
    Duplicate = 7,
}
