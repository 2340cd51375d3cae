using Igor.Kbr;

namespace Igor.Local.Protocol;

/// <summary>
/// A message of the local protocol. Payloads are slices of the buffer they were read from. `Call` pairs a
/// question with its answer, `Subscription` is the application's own number for an attachment, `Token` and
/// `Parked` are the daemon's numbers for a delivery that waits for a reply and a passing message that waits
/// for a decision.
/// </summary>
internal abstract record LocalFrame;

/// <summary>A frame of a type that this program does not know.</summary>
internal sealed record UnknownFrame(long Type) : LocalFrame;

/// <summary>First frame of an application: the versions it speaks, and its name for logs.</summary>
internal sealed record HelloFrame(int VersionMin, int VersionMax, string Application) : LocalFrame;

/// <summary>Asks for the node's status.</summary>
internal sealed record StatusFrame(long Call) : LocalFrame;

/// <summary>Attaches to a service.</summary>
internal sealed record SubscribeFrame(
    long Call, int Subscription, string Service, ServiceRole Role, bool WantsForward) : LocalFrame;

/// <summary>Detaches from a service.</summary>
internal sealed record UnsubscribeFrame(long Call, int Subscription) : LocalFrame;

/// <summary>Sends a one-way message.</summary>
internal sealed record RouteFrame(
    int Subscription, Key Destination, bool Exact, ReadOnlyMemory<byte> Payload) : LocalFrame;

/// <summary>Sends a request; answered by one <see cref="ResultFrame"/>.</summary>
internal sealed record RequestFrame(
    int Subscription, long Request, Key Destination, bool Exact, int TimeoutMs, ReadOnlyMemory<byte> Payload)
    : LocalFrame;

/// <summary>The result of a request is no longer wanted.</summary>
internal sealed record CancelFrame(long Request) : LocalFrame;

/// <summary>Answers a delivery.</summary>
internal sealed record ReplyFrame(long Token, ReadOnlyMemory<byte> Payload) : LocalFrame;

/// <summary>Answers a delivery with an error.</summary>
internal sealed record FailFrame(long Token, bool IsTemporary, string Error) : LocalFrame;

/// <summary>Decides about a passing message; a replacement of null keeps its payload.</summary>
internal sealed record DecideFrame(long Parked, bool Goes, ReadOnlyMemory<byte>? Replacement) : LocalFrame;

/// <summary>First frame of a daemon: the version that both speak from here on, and what it serves.</summary>
internal sealed record WelcomeFrame(
    int Version,
    Key NodeId,
    string Network,
    int PayloadBytesMax,
    string DaemonVersion,
    NetworkTime Time = default)
    : LocalFrame;

/// <summary>What time it is; 0 when the daemon does not say.</summary>
internal sealed record TimeFrame(NetworkTime Time) : LocalFrame;

/// <summary>Refuses a call (0: the frame had none).</summary>
internal sealed record RefusedFrame(long Call, RefusalCode Code, string Text) : LocalFrame;

/// <summary>The node's status.</summary>
internal sealed record StatusResultFrame(long Call, HostStatus Status) : LocalFrame;

/// <summary>The application is attached.</summary>
internal sealed record SubscribedFrame(long Call, NeighbourSet Neighbours) : LocalFrame;

/// <summary>The application is detached; nothing more comes for the subscription.</summary>
internal sealed record UnsubscribedFrame(long Call) : LocalFrame;

/// <summary>
/// The deliver upcall; a token of 0 wants no reply. The request's number, 0 for none, is the source's.
/// </summary>
internal sealed record DeliverFrame(
    int Subscription,
    Key Destination,
    Key Source,
    long Token,
    ReadOnlyMemory<byte> Payload,
    bool IsSourceProven,
    ulong RequestNumber = 0)
    : LocalFrame;

/// <summary>The forward upcall; answered with <see cref="DecideFrame"/>.</summary>
internal sealed record ForwardFrame(
    int Subscription, long Parked, Key Destination, Key Source, Key NextHop, ReadOnlyMemory<byte> Payload)
    : LocalFrame;

/// <summary>The update upcall, with the whole set after the change.</summary>
internal sealed record UpdateFrame(int Subscription, NeighbourChange Change) : LocalFrame;

/// <summary>The end of a request; an error text only when the application at its root failed.</summary>
internal sealed record ResultFrame(
    long Request, KbrStatus Status, Key Responder, ReadOnlyMemory<byte> Payload, string? Error = null)
    : LocalFrame;
