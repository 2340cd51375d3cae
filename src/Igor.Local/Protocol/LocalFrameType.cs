namespace Igor.Local.Protocol;

/// <summary>
/// The first element of a frame. Numbers below 32 go to the daemon, from 32 on to the application.
/// </summary>
internal enum LocalFrameType
{
    Hello = 1,
    Status = 2,
    Subscribe = 3,
    Unsubscribe = 4,
    Route = 5,
    Request = 6,
    Cancel = 7,
    Reply = 8,
    Decide = 9,
    Fail = 10,

    Welcome = 32,
    Refused = 33,
    StatusResult = 34,
    Subscribed = 35,
    Unsubscribed = 36,
    Deliver = 37,
    Forward = 38,
    Update = 39,
    Result = 40,
    Time = 41,
}

/// <summary>Why a daemon refuses what an application asked for.</summary>
internal enum RefusalCode
{
    /// <summary>The daemon does not know the type of the frame; the connection stays.</summary>
    UnknownType = 1,

    /// <summary>The frame cannot be read or is too large; the connection is closed.</summary>
    Malformed = 2,

    /// <summary>No common version of the protocol; the connection is closed.</summary>
    Version = 3,

    /// <summary>The first frame was not a hello, or a second one came; the connection is closed.</summary>
    Hello = 4,

    /// <summary>The subscription that the frame names does not exist, or exists already.</summary>
    Subscription = 5,

    /// <summary>The node refused; the text says why.</summary>
    Node = 6,

    /// <summary>A bound on connections or subscriptions is reached.</summary>
    TooMany = 7,

    /// <summary>The application runs as another user; the connection is closed.</summary>
    Permission = 8,
}
