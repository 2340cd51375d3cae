using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Recursive routing at one hop. A Route frame goes to a nearer peer of its service or is delivered here; the
/// reply retraces the path through the soft state that each hop keeps. When the connection to a next hop
/// breaks, the hop says so backwards and the origin (<see cref="Origin"/>) routes anew at once.
/// </summary>
internal sealed class Router(NodeContext context, RingTable rings, PendingTable pending) : Machine
{
    /// <summary>This node's own requests; set by the node.</summary>
    public required Origin Origin { get; init; }

    /// <summary>Messages that wait for an application's word; set by the node.</summary>
    public required ForwardDesk Desk { get; init; }

    /// <summary>Judges peers by what becomes of requests; set by the node.</summary>
    public required SilenceDetection Silence { get; init; }

    /// <summary>Messages that arrived; set by the node.</summary>
    public required Deliveries Deliveries { get; init; }

    public override ReadOnlySpan<MessageType> Messages => [MessageType.Route, MessageType.Reply];

    public override TimeSpan? NextDeadline => pending.NextDeadline;

    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        ReadOnlyMemory<byte> payload;
        if (frame.Type == MessageType.Route)
        {
            PeerCodec.Require(
                RoutedFrame.TryReadRoute(frame.Body, out RouteHeader header, out payload),
                "a routed message has a header of fixed width");
            HandleRoute(now, link, header, frame.Body, payload);
        }
        else
        {
            PeerCodec.Require(
                RoutedFrame.TryReadReply(frame.Body, out ReplyHeader header, out payload),
                "a reply has a header of fixed width");
            HandleReply(now, link, header, frame.Body, payload);
        }
    }

    private void HandleRoute(
        TimeSpan now,
        Link link,
        in RouteHeader header,
        ReadOnlyMemory<byte> body,
        ReadOnlyMemory<byte> payload,
        bool isDecided = false)
    {
        // Our own messages do not come back, for each hop is nearer; and one in our name that we passed on
        // would prove to the next hop that it is ours.
        if (header.Source == context.Id
            || !rings.TryGet(header.Service, out ServiceRing? ring) || !ring.IsActive
            || (header.Service == ServiceId.Base && (header.Flags & RouteFlags.ForOverlay) == 0))
        {
            Refuse(link, header.HopId, ReplyStatus.Unreachable);
            return;
        }

        Key? excluded = header.Flags.HasFlag(RouteFlags.ExcludeSource) ? header.Source : null;
        Peer? next = RouteSelection.NextHop(
            ring.Members, context.Id, true, header.Destination, excluded, null);
        if (next is null)
        {
            Deliveries.Deliver(now, ring, header, payload, link, null);
        }
        else if (header.HopsLeft <= 0)
        {
            Refuse(link, header.HopId, ReplyStatus.Unreachable);
        }
        else if (isDecided || !ring.WantsForward || !Desk.HasRoom(payload.Length)
            || (header.Flags & RouteFlags.ForOverlay) != 0)
        {
            Forward(now, link, next, header, body.Span);
        }
        else
        {
            Park(now, link, header, body, payload, next.Id);
        }
    }

    /// <summary>Shows a message to the application first; apart, since it allocates.</summary>
    private void Park(
        TimeSpan now,
        Link link,
        in RouteHeader header,
        ReadOnlyMemory<byte> body,
        ReadOnlyMemory<byte> payload,
        Key next)
    {
        byte[] kept = body.ToArray();
        Desk.Park(
            now,
            header.Service,
            new KbrForward(header.Destination, header.Source, next, payload),
            (later, decision) => HandleDecision(later, link, kept, decision),
            link.PeerId);
    }

    /// <summary>
    /// The application's word on a message that waited. Where it goes is decided only now: peers may have
    /// come, gone, or left the service meanwhile.
    /// </summary>
    private void HandleDecision(TimeSpan now, Link link, byte[] body, ForwardDecision decision)
    {
        RoutedFrame.TryReadRoute(body, out RouteHeader header, out ReadOnlyMemory<byte> payload);
        if (header.HopId != 0 && !IsConnected(link))
        {
            return; // nobody is left to take the reply
        }

        if (!decision.Goes || !Fits(decision.Replacement, body.Length - payload.Length))
        {
            Refuse(link, header.HopId, ReplyStatus.Stopped);
            return;
        }

        if (decision.Replacement is { } replacement)
        {
            body = RoutedFrame.WithPayload(body, payload.Length, replacement);
            payload = replacement;
        }

        HandleRoute(now, link, header, body, payload, isDecided: true);
    }

    /// <summary>A larger frame than the next hop takes would end the connection to it.</summary>
    private bool Fits(byte[]? replacement, int otherBytes)
    {
        int most = context.Options.PayloadBytesMax;
        if (replacement is null
            || (replacement.Length <= most
                && replacement.Length + otherBytes <= most + WireLimits.FrameOverheadBytes))
        {
            return true;
        }

        context.Raise(
            OverlayEventKind.LimitReached,
            context.Id,
            $"a replacement of {replacement.Length} bytes for a passing message is too large");
        return false;
    }

    private bool IsConnected(Link link) =>
        context.Peers.TryGet(link.PeerId, out Peer? peer) && peer == link.Peer;

    /// <summary>Passes a message on: a new hop id and hop count, everything else as it came.</summary>
    private void Forward(TimeSpan now, Link link, Peer next, in RouteHeader header, ReadOnlySpan<byte> body)
    {
        Pending? entry = null;
        if (header.HopId != 0)
        {
            entry = pending.Remember(PendingKind.Transit, now, link, header);
            if (entry is null)
            {
                Refuse(link, header.HopId, ReplyStatus.Overloaded);
                return;
            }

            entry.Next = next;
            entry.IsControl = (header.Flags & RouteFlags.ForOverlay) != 0;
        }

        Span<byte> rewritten = stackalloc byte[RoutedFrame.RouteHeaderBytes];
        body[..RoutedFrame.RouteHeaderBytes].CopyTo(rewritten);
        RoutedFrame.RewriteRoute(rewritten, entry?.Id ?? 0, header.HopsLeft - 1, header.TimeoutMs);
        if (context.Output.Send(next.Link.Id, rewritten, body[RoutedFrame.RouteHeaderBytes..]))
        {
            if (entry is not null)
            {
                Silence.NoteSent(now, next, entry);
            }

            return;
        }

        if (entry is not null)
        {
            pending.Remove(entry);
            Refuse(link, header.HopId, ReplyStatus.Overloaded);
        }
    }

    private void HandleReply(
        TimeSpan now,
        Link link,
        in ReplyHeader header,
        ReadOnlyMemory<byte> body,
        ReadOnlyMemory<byte> payload)
    {
        Pending? entry = pending.Find(header.HopId);
        if (entry?.Next is not { } next || next.Id != link.PeerId)
        {
            return;
        }

        if (header.Status == ReplyStatus.Ok)
        {
            next.ReplyTime.Add(now - entry.SentAt);
        }

        Silence.HandleAnswer(now, next, entry);
        Link? previous = entry.Previous;
        ulong previousId = entry.PreviousId;
        OwnRequest? own = entry.Own;
        PendingKind kind = entry.Kind;
        pending.Remove(entry);
        if (own is not null)
        {
            if (kind == PendingKind.Own || header.Status is ReplyStatus.Ok or ReplyStatus.NoSuchNode)
            {
                Origin.HandleReply(now, own, next.Id, header, payload);
            }
        }
        else if (previous is not null)
        {
            Span<byte> rewritten = stackalloc byte[RoutedFrame.ReplyHeaderBytes];
            body.Span[..RoutedFrame.ReplyHeaderBytes].CopyTo(rewritten);
            RoutedFrame.RewriteReply(rewritten, previousId);
            if (!TrySendBack(previous, rewritten, body.Span[RoutedFrame.ReplyHeaderBytes..]))
            {
                Refuse(previous, previousId, ReplyStatus.Overloaded);
            }
        }
    }

    /// <summary>
    /// A peer is gone: whoever waits for a reply through it is told, and what it waited for is forgotten.
    /// </summary>
    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason)
    {
        Fail(now, peer, pending.Where(e => e.Next == peer || e.Previous?.Peer == peer));
    }

    /// <summary>A peer drops requests: that one, or all passed to it, looks for another way.</summary>
    public void HandlePeerSilent(TimeSpan now, Peer peer, ulong? request) => Fail(
        now,
        peer,
        pending.Where(e => e.Next == peer && e.Kind != PendingKind.Stale && (request ?? e.Id) == e.Id));

    private void Fail(TimeSpan now, Peer peer, List<Pending> waiting)
    {
        foreach (Pending entry in waiting)
        {
            Link? previous = entry.Previous;
            ulong previousId = entry.PreviousId;
            OwnRequest? own = entry.Own;
            PendingKind kind = entry.Kind;
            pending.Remove(entry);
            if (kind == PendingKind.Own)
            {
                Origin.HandleHopFailed(now, own!);
            }
            else if (previous is not null && previous.Peer != peer)
            {
                Refuse(previous, previousId, ReplyStatus.HopFailed);
            }
        }
    }

    /// <summary>Ends what has waited too long.</summary>
    public override void HandleDeadline(TimeSpan now)
    {
        while (pending.NextDue(now) is { } entry)
        {
            OwnRequest? own = entry.Own;
            PendingKind kind = entry.Kind;
            if (kind == PendingKind.Own && !own!.IsDone && now < own.Deadline)
            {
                pending.Change(entry, PendingKind.Stale, own.Deadline);
            }
            else
            {
                pending.Remove(entry);
            }

            if (own is not null)
            {
                Origin.HandleDue(now, own, kind);
            }
        }
    }

    /// <summary>Tells the hop before how a request ended.</summary>
    private void Refuse(Link link, ulong hopId, ReplyStatus status)
    {
        if (hopId != 0)
        {
            SendReply(link, hopId, status, default);
        }
    }

    /// <summary>Sends a reply of this node's own.</summary>
    public void SendReply(Link link, ulong hopId, ReplyStatus status, ReadOnlySpan<byte> payload)
    {
        Span<byte> header = stackalloc byte[RoutedFrame.ReplyHeaderBytes + RoutedFrame.PayloadPrefixBytes];
        RoutedFrame.WriteReply(header, new ReplyHeader(hopId, status, context.Id), payload.Length);
        if (TrySendBack(link, header, payload))
        {
            return;
        }

        if (!payload.IsEmpty)
        {
            // Too much waits for that peer; for so little there is room longer than for an answer.
            Refuse(link, hopId, ReplyStatus.Overloaded);
        }
        else if (link.Peer is { } peer)
        {
            peer.Silence.HasLostAnswer = true;
        }
    }

    /// <summary>A reply goes the way the request came, or over the link that the peer has now.</summary>
    private bool TrySendBack(Link link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> rest) =>
        context.Output.Send(link.Id, header, rest)
        || (link.Peer is { } peer && peer.Link != link
            && context.Output.Send(peer.Link.Id, header, rest));
}
