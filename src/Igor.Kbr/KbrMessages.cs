namespace Igor.Kbr;

/// <summary>Whether an application is responsible for keys of its service.</summary>
public enum ServiceRole
{
    /// <summary>The application routes and sends, but holds no keys.</summary>
    Client,

    /// <summary>The application becomes the root of the keys nearest to its node.</summary>
    Member,
}

/// <summary>What an application subscribes to.</summary>
public sealed record SubscribeOptions
{
    /// <summary>The service's name, 1 to 64 characters.</summary>
    public required string Service { get; init; }

    /// <summary>Member or client.</summary>
    /// <value>Default: client.</value>
    public ServiceRole Role { get; init; } = ServiceRole.Client;

    /// <summary>Whether the application is asked about messages that pass through the node.</summary>
    /// <value>
    /// Default: false, because asking costs a round trip over the local socket for every message.
    /// </value>
    public bool WantsForward { get; init; }
}

/// <summary>How a message is routed.</summary>
/// <param name="Exact">
/// Deliver only at the node whose id is the destination; otherwise the node nearest to the destination gets
/// it.
/// </param>
public readonly record struct RouteOptions(bool Exact = false);

/// <summary>How a request is routed, and how long its answer is waited for.</summary>
/// <param name="Timeout">
/// Time until the request is given up, all retries on other paths included. At most
/// <see cref="TimeoutMsMax"/>; less than none means that.
/// </param>
/// <param name="Exact">Deliver only at the node whose id is the destination.</param>
public readonly record struct RequestOptions(TimeSpan Timeout, bool Exact = false)
{
    /// <summary>An hour, in milliseconds: what nobody answers is not held for longer.</summary>
    public const int TimeoutMsMax = 3_600_000;

    /// <summary>The timeout that counts.</summary>
    internal RequestOptions Bounded()
    {
        TimeSpan max = TimeSpan.FromMilliseconds(TimeoutMsMax);
        return Timeout < TimeSpan.Zero || Timeout > max ? this with { Timeout = max } : this;
    }
}

/// <summary>Names a delivered request until it is answered; <see cref="None"/> for a message.</summary>
public readonly record struct DeliveryToken(long Value)
{
    /// <summary>The token of a message that asks for no answer.</summary>
    public static DeliveryToken None => default;

    /// <summary>Whether an answer is expected.</summary>
    public bool ExpectsReply => Value != 0;
}

/// <summary>
/// Names a request: the same in each of its deliveries, however often and on whatever paths its origin sent
/// it, and no other request's. Two deliveries with one id are one request.
/// </summary>
/// <param name="Origin">The node that the request came from, as the delivery's source says.</param>
/// <param name="Number">Its number there, also over restarts; 0 for none.</param>
public readonly record struct KbrRequestId(Key Origin, ulong Number)
{
    /// <summary>The id of a one-way message, which is sent once.</summary>
    public static KbrRequestId None => default;
}

/// <summary>A message that arrived at the root of its key.</summary>
/// <param name="Destination">The key it was sent to.</param>
/// <param name="Source">
/// The id of the node that the message says it comes from. Whoever passes a message on can write any id here:
/// nothing may rest on it unless <see cref="IsSourceProven"/>.
/// </param>
/// <param name="Token">What to answer it with.</param>
/// <param name="Payload">The bytes, valid during the upcall only.</param>
public readonly record struct KbrDelivery(
    Key Destination, Key Source, DeliveryToken Token, ReadOnlyMemory<byte> Payload)
{
    /// <summary>
    /// Whether the message is the source's beyond doubt: it came over the connection on which that node has
    /// proven its id, or from this node itself. False for what others passed on; a message for a neighbour is
    /// sent over the connection to it, one for a far key mostly is not.
    /// </summary>
    public bool IsSourceProven { get; init; }

    /// <summary>
    /// The service that it came in, to answer it with: an upcall may come before
    /// <see cref="IKbrHost.SubscribeAsync"/> has returned. Null only from an overlay node, which
    /// knows no handles; hosts set it.
    /// </summary>
    public IKbrService Service { get; init; } = null!;

    /// <summary>
    /// Names the request, so that an application can drop a repeat: delivery is at least once. The default
    /// for a one-way message.
    /// </summary>
    public KbrRequestId RequestId { get; init; }

    /// <summary>
    /// The peer that handed the message to this node, whoever its source is, or this node's own id; zero
    /// where that is not known. Whoever holds memory for an answer counts it as held for that peer.
    /// </summary>
    public Key Via { get; init; }
}

/// <summary>A message that passes through a node.</summary>
/// <param name="Destination">The key it was sent to.</param>
/// <param name="Source">The id of the node it came from.</param>
/// <param name="NextHop">The node it goes to next, unless peers change before the decision.</param>
/// <param name="Payload">The bytes, valid during the upcall only.</param>
public readonly record struct KbrForward(
    Key Destination, Key Source, Key NextHop, ReadOnlyMemory<byte> Payload)
{
    /// <summary>The service that it passes in, as for a <see cref="KbrDelivery"/>.</summary>
    public IKbrService Service { get; init; } = null!;
}

/// <summary>What happens to a message that passes through.</summary>
/// <param name="Goes">Whether the message goes on.</param>
/// <param name="Replacement">The payload to go on with; null keeps the one it has.</param>
public readonly record struct ForwardDecision(bool Goes, byte[]? Replacement = null)
{
    /// <summary>The message goes on as it is.</summary>
    public static ForwardDecision Continue => new(true);

    /// <summary>The message ends here; a request is answered with <see cref="KbrStatus.Stopped"/>.</summary>
    public static ForwardDecision Stop => new(false);

    /// <summary>The message goes on with another payload.</summary>
    public static ForwardDecision Replace(byte[] payload) => new(true, payload);
}

/// <summary>How a request ended.</summary>
public enum KbrStatus
{
    /// <summary>Answered.</summary>
    Ok,

    /// <summary>No answer came in time.</summary>
    Timeout,

    /// <summary>No member of the service is known, or the way to one is broken.</summary>
    Unreachable,

    /// <summary>The destination was a node id (exact) and that node is not there.</summary>
    NoSuchNode,

    /// <summary>A queue on the way is full: try again later.</summary>
    Overloaded,

    /// <summary>An application on the way stopped the message.</summary>
    Stopped,

    /// <summary>The payload is larger than a message may be.</summary>
    TooLarge,

    /// <summary>The node was closed, or the connection to the daemon was lost.</summary>
    Closed,

    /// <summary>The root's application answered with an error (<see cref="KbrReply.Error"/>).</summary>
    Failed,
}

/// <summary>The end of a request.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Responder">The node that answered; zero when none did.</param>
/// <param name="Payload">The answer, valid during the callback only; empty unless the status is Ok.</param>
public readonly record struct KbrReply(KbrStatus Status, Key Responder, ReadOnlyMemory<byte> Payload)
{
    /// <summary>
    /// What the answerer said was wrong, at most <see cref="ErrorLengthMax"/> characters; null unless the
    /// status is Failed. Another node's words: show them, but do not act on them.
    /// </summary>
    public string? Error { get; init; }

    /// <summary>Longest <see cref="Error"/>; a longer one is cut.</summary>
    public const int ErrorLengthMax = 256;

    /// <summary>What callers are told when an application threw: its kind only; they are others.</summary>
    internal static string ErrorOf(Exception problem) => $"the application threw {problem.GetType().Name}";

    /// <summary>An error within its bound, without half a pair of surrogates.</summary>
    internal static string Cut(string error)
    {
        if (error.Length <= ErrorLengthMax)
        {
            return error;
        }

        int length = char.IsHighSurrogate(error[ErrorLengthMax - 1]) ? ErrorLengthMax - 1 : ErrorLengthMax;
        return error[..length];
    }

    /// <summary>A reply without an answer.</summary>
    public static KbrReply Failed(KbrStatus status) => new(status, default, default);
}
