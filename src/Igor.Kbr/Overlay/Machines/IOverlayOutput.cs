using System.Buffers;

namespace Igor.Kbr.Overlay.Machines;

/// <summary>Names a connection to a peer; chosen by the host of the node, never reused.</summary>
public readonly record struct LinkId(long Value);

/// <summary>Names an attempt to connect; chosen by the node.</summary>
public readonly record struct DialId(long Value);

/// <summary>Names a request of a local application; chosen by the host of the node, never reused.</summary>
public readonly record struct RequestId(long Value);

/// <summary>
/// Everything that an <see cref="OverlayNode"/> does to the world. Called while an input is handled; the host
/// must not call back into the node from here, but queue what follows. Spans and payloads are valid during
/// the call.
/// </summary>
public interface IOverlayOutput
{
    /// <summary>
    /// Connect to one of a node's addresses (host:port), the best first. The host tries them in their order,
    /// each a moment after the one before when that has not answered, and takes the first that does (RFC
    /// 8305). One where another node than the expected one answers, or this node itself, counts only when no
    /// other address answers. The host says how it ended with <see cref="OverlayNode.HandleLinkOpened"/> or
    /// <see cref="OverlayNode.HandleDialFailed"/>, at the latest after its own connect timeout.
    /// </summary>
    void Dial(DialId dial, Key? expected, ImmutableArray<string> addresses);

    /// <summary>
    /// Send a frame whose body is header followed by payload. Returns false, and sends nothing, when the link
    /// is gone or too much waits on it already.
    /// </summary>
    bool Send(LinkId link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload);

    /// <summary>
    /// Close a link once what was sent on it has gone out. The node has forgotten it already: no
    /// <see cref="OverlayNode.HandleLinkClosed"/> follows.
    /// </summary>
    void Close(LinkId link);

    /// <summary>
    /// What the peer at the other end of a link is to this node now; <see cref="PeerStanding.Unknown"/> until
    /// then.
    /// </summary>
    void SetStanding(LinkId link, PeerStanding standing);

    /// <summary>A message for the member application of a service. No answer from here: queue it.</summary>
    void Deliver(ServiceId service, in KbrDelivery delivery);

    /// <summary>
    /// Ask the member application of a service about a message that passes through; answered with
    /// <see cref="OverlayNode.ResumeForward"/>. Called only for a subscription that wants it.
    /// </summary>
    void Forward(ServiceId service, long parked, in KbrForward message);

    /// <summary>A request of a local application ended.</summary>
    void CompleteRequest(RequestId request, in KbrReply reply);

    /// <summary>The neighbour set of the node in a service changed.</summary>
    void UpdateNeighbours(ServiceId service, NeighbourChange change);

    /// <summary>
    /// Where a node writes a message before it is sent; nothing of it outlives the call. The host's, since
    /// the nodes of a simulation can share one.
    /// </summary>
    ArrayBufferWriter<byte> Scratch { get; }

    /// <summary>Whether events are wanted; their texts cost something to make.</summary>
    bool WantsEvents { get; }

    /// <summary>Something that an operator may want to know.</summary>
    void Raise(OverlayEvent overlayEvent);
}
