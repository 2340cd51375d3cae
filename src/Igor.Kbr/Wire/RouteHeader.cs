namespace Igor.Kbr.Wire;

/// <summary>How a routed message is treated.</summary>
[Flags]
internal enum RouteFlags
{
    None = 0,

    Exact = 1,

    /// <summary>For the overlay itself at the root, not for an application.</summary>
    Control = 2,

    /// <summary>Never hand it to the node it came from: a member that looks for its own neighbours.</summary>
    ExcludeSource = 4,
}

/// <summary>What a hop needs to know of a routed message.</summary>
/// <param name="Service">The virtual overlay it travels in.</param>
/// <param name="Destination">The key it is for.</param>
/// <param name="Source">The node it came from.</param>
/// <param name="HopId">The sender's name for it, repeated in the reply; 0 when none is expected.</param>
/// <param name="HopsLeft">Hops it may still take.</param>
/// <param name="Flags">How it is treated.</param>
/// <param name="TimeoutMs">How long the hop before waits for a reply.</param>
/// <param name="RequestNumber">
/// The source's name for a request, the same in every attempt; a field behind the payload, 0 when it is not
/// there.
/// </param>
internal readonly record struct RouteHeader(
    ServiceId Service,
    Key Destination,
    Key Source,
    ulong HopId,
    int HopsLeft,
    RouteFlags Flags,
    uint TimeoutMs,
    ulong RequestNumber = 0)
{
    /// <summary>A node that must not get it; null for none.</summary>
    public Key? Excluded => (Flags & RouteFlags.ExcludeSource) != 0 ? Source : null;

    public static uint MsUntil(TimeSpan now, TimeSpan end) =>
        (uint)Math.Max(0, (end - now).TotalMilliseconds);
}

/// <summary>How a request ended, on the wire.</summary>
internal enum ReplyStatus
{
    Ok = 0,
    Unreachable = 1,
    NoSuchNode = 2,
    Overloaded = 3,
    Stopped = 4,

    /// <summary>A connection on the way broke: the origin reroutes at once.</summary>
    HopFailed = 5,

    /// <summary>The application at the root says that it failed; the payload is its text in UTF-8.</summary>
    Failed = 6,

    /// <summary>No answer yet: the request is at its root, which works on it.</summary>
    Working = 7,
}

/// <summary>What a hop needs to know of a reply.</summary>
/// <param name="HopId">What the hop called the request.</param>
/// <param name="Status">How it ended.</param>
/// <param name="Responder">The node that answered.</param>
internal readonly record struct ReplyHeader(ulong HopId, ReplyStatus Status, Key Responder);
