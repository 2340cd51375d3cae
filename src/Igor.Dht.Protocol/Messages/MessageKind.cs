namespace Igor.Dht.Protocol.Messages;

/// <summary>
/// The first field of every message. Requests are below 32, replies above; docs/dht-protocol.md has the
/// fields.
/// </summary>
internal enum MessageKind
{
    Put = 1,
    Get = 2,
    Store = 3,
    Fetch = 4,
    Sync = 5,
    SyncDone = 6,
    Describe = 7,
    Status = 8,
    Prepare = 9,
    Stand = 10,
    StoreRegister = 11,
    Confirm = 12,
    Adopt = 13,
    Decide = 14,
    Resign = 15,
    ListRegisters = 16,
    FetchRegisters = 17,
    TellPieces = 18,
    CallRegister = 19,
    Leaving = 20,
    Members = 21,
    Follow = 22,
    Forget = 23,
    ForgetMember = 24,
    Drain = 25,
    Draining = 26,
    Lineages = 27,
    FewCopies = 28,

    PutDone = 32,
    Conflict = 33,
    NotEnough = 34,
    Refused = 35,
    Busy = 36,
    Got = 37,
    Stored = 38,
    Fetched = 39,
    SyncEqual = 40,
    SyncChildren = 41,
    SyncItems = 42,
    Done = 43,
    Described = 44,
    StatusIs = 45,
    NotRoot = 46,
    Voted = 47,
    RegisterList = 48,
    RegisterContents = 49,
    PiecesTold = 50,
    RegisterAnswered = 51,
    RegisterInDoubt = 52,
    MembersAre = 53,
    Following = 54,
    Forgotten = 55,
    DrainIs = 56,
    LineagesAre = 57,
}

/// <summary>Why a request was refused for good.</summary>
internal enum RefusalReason
{
    Malformed = 1,
    UnknownMessage = 2,
    Type = 3,
    Size = 4,
    Quota = 5,
    Version = 6,
    Permission = 7,
    Disk = 8,
}
