using Igor.Kbr.Overlay.Peers;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Recursive routing at one hop. A Route frame goes to a nearer peer of its service or is delivered here; the
/// reply retraces the path through the soft state that each hop keeps. When the connection to a next hop
/// breaks, the hop says so backwards and the origin (<see cref="Origin"/>) routes anew at once.
/// </summary>
internal sealed class Router(NodeContext context, RingTable rings, PendingTable pending)
{
    private static readonly TimeSpan TransitMax = TimeSpan.FromSeconds(60);

    private readonly ControlRequests _control = new();

    /// <summary>This node's own requests; set by the node.</summary>
    public required Origin Origin { get; init; }

    /// <summary>Messages that wait for an application's word; set by the node.</summary>
    public required ForwardDesk Desk { get; init; }

    /// <summary>Answers requests to the overlay itself.</summary>
    public ControlRequests Control => _control;

    public void HandleRoute(
        TimeSpan now,
        Link link,
        in RouteHeader header,
        ReadOnlyMemory<byte> body,
        ReadOnlyMemory<byte> payload,
        bool isDecided = false)
    {
        if (!rings.TryGet(header.Service, out ServiceRing? ring) || !ring.IsActive
            || (header.Service == ServiceId.Base && !header.Flags.HasFlag(RouteFlags.Control)))
        {
            Refuse(link, header.HopId, ReplyStatus.Unreachable);
            return;
        }

        Key? excluded = header.Flags.HasFlag(RouteFlags.ExcludeSource) ? header.Source : null;
        Peer? next = RouteSelection.NextHop(
            ring.Members, context.Id, true, header.Destination, excluded, null);
        if (next is null)
        {
            Deliver(now, ring, header, payload, link, null);
        }
        else if (header.HopsLeft <= 0)
        {
            Refuse(link, header.HopId, ReplyStatus.Unreachable);
        }
        else if (isDecided || !ring.WantsForward || Desk.IsFull
            || header.Flags.HasFlag(RouteFlags.Control))
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
            (later, decision) => HandleDecision(later, link, kept, decision));
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
            entry = Remember(PendingKind.Transit, now, link, header);
            if (entry is null)
            {
                Refuse(link, header.HopId, ReplyStatus.Overloaded);
                return;
            }

            entry.Next = next;
        }

        Span<byte> rewritten = stackalloc byte[RoutedFrame.RouteHeaderBytes];
        body[..RoutedFrame.RouteHeaderBytes].CopyTo(rewritten);
        RoutedFrame.RewriteRoute(rewritten, entry?.Id ?? 0, header.HopsLeft - 1, header.TimeoutMs);
        if (context.Output.Send(next.Link.Id, rewritten, body[RoutedFrame.RouteHeaderBytes..]))
        {
            next.AwaitingSince ??= entry is null ? null : now;
            return;
        }

        if (entry is not null)
        {
            pending.Remove(entry);
            Refuse(link, header.HopId, ReplyStatus.Overloaded);
        }
    }

    /// <summary>Delivers a message whose root this node is.</summary>
    public void Deliver(
        TimeSpan now,
        ServiceRing ring,
        in RouteHeader header,
        ReadOnlyMemory<byte> payload,
        Link? from,
        OwnRequest? own)
    {
        if (header.Flags.HasFlag(RouteFlags.Exact) && header.Destination != context.Id)
        {
            Finish(now, from, header.HopId, own, ReplyStatus.NoSuchNode, default);
        }
        else if (header.Flags.HasFlag(RouteFlags.Control))
        {
            Finish(now, from, header.HopId, own, ReplyStatus.Ok, _control.Answer(ring, header.Source));
        }
        else if (header.HopId == 0 && own is null)
        {
            context.Output.Deliver(ring.Id, Delivery(header, from, DeliveryToken.None, payload));
        }
        else
        {
            Pending? entry = from is null
                ? pending.Add(PendingKind.Delivery, now, own!.Deadline)
                : Remember(PendingKind.Delivery, now, from, header);
            if (entry is null)
            {
                Finish(now, from, header.HopId, own, ReplyStatus.Overloaded, default);
                return;
            }

            entry.Own = own;
            context.Output.Deliver(
                ring.Id, Delivery(header, from, new DeliveryToken((long)entry.Id), payload));
        }
    }

    private static KbrDelivery Delivery(
        in RouteHeader header, Link? from, DeliveryToken token, ReadOnlyMemory<byte> payload) =>
        new(header.Destination, header.Source, token, payload)
        {
            IsSourceProven = from is null || from.PeerId == header.Source,
        };

    /// <summary>The application answered a delivery.</summary>
    public void Answer(TimeSpan now, DeliveryToken delivery, ReadOnlyMemory<byte> payload)
    {
        Pending? entry = pending.Find((ulong)delivery.Value);
        if (entry is null || entry.Kind != PendingKind.Delivery)
        {
            return;
        }

        Link? from = entry.Previous;
        ulong hopId = entry.PreviousId;
        OwnRequest? own = entry.Own;
        pending.Remove(entry);
        if (payload.Length > context.Options.PayloadBytesMax)
        {
            context.Raise(
                OverlayEventKind.LimitReached,
                context.Id,
                $"an answer of {payload.Length} bytes is too large");
            Finish(now, from, hopId, own, ReplyStatus.Stopped, default);
            return;
        }

        Finish(now, from, hopId, own, ReplyStatus.Ok, payload);
    }

    public void HandleReply(
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
            next.NoteReplyTime(now - entry.SentAt);
        }

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
            SendBack(previous, rewritten, body.Span[RoutedFrame.ReplyHeaderBytes..]);
        }
    }

    /// <summary>
    /// A peer is gone: whoever waits for a reply through it is told, and what it waited for is forgotten.
    /// </summary>
    public void HandlePeerDown(TimeSpan now, Peer peer)
    {
        foreach (Pending entry in pending.Where(e => e.Next == peer || e.Previous?.Peer == peer))
        {
            Link? previous = entry.Previous;
            ulong previousId = entry.PreviousId;
            OwnRequest? own = entry.Own;
            PendingKind kind = entry.Kind;
            pending.Remove(entry);
            if (kind == PendingKind.Own)
            {
                Origin.HandleHopFailed(now, own!, peer.Id);
            }
            else if (previous is not null && previous.Peer != peer)
            {
                Refuse(previous, previousId, ReplyStatus.HopFailed);
            }
        }
    }

    /// <summary>Ends what has waited too long.</summary>
    public void HandleDeadline(TimeSpan now)
    {
        while (pending.NextDue(now) is { } entry)
        {
            OwnRequest? own = entry.Own;
            PendingKind kind = entry.Kind;
            Key? next = entry.Next?.Id;
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
                Origin.HandleDue(now, own, kind, next);
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

    /// <summary>
    /// Soft state for a request of a peer, for a time that is bounded whatever the peer asks for; null when
    /// there is no room for more of that peer's.
    /// </summary>
    private Pending? Remember(PendingKind kind, TimeSpan now, Link link, in RouteHeader header)
    {
        TimeSpan timeout = TimeSpan.FromMilliseconds(header.TimeoutMs);
        return pending.Add(
            kind, now, now + (timeout < TransitMax ? timeout : TransitMax), link, header.HopId);
    }

    private void Finish(
        TimeSpan now,
        Link? from,
        ulong hopId,
        OwnRequest? own,
        ReplyStatus status,
        ReadOnlyMemory<byte> payload)
    {
        if (own is not null)
        {
            Origin.HandleReply(now, own, context.Id, new ReplyHeader(0, status, context.Id), payload);
        }
        else if (from is not null && hopId != 0)
        {
            SendReply(from, hopId, status, payload.Span);
        }
    }

    private void SendReply(Link link, ulong hopId, ReplyStatus status, ReadOnlySpan<byte> payload)
    {
        Span<byte> header = stackalloc byte[RoutedFrame.ReplyHeaderBytes + RoutedFrame.PayloadPrefixBytes];
        RoutedFrame.WriteReply(header, new ReplyHeader(hopId, status, context.Id), payload.Length);
        SendBack(link, header, payload);
    }

    /// <summary>A reply goes the way the request came, or over the link that the peer has now.</summary>
    private void SendBack(Link link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> rest)
    {
        if (!context.Output.Send(link.Id, header, rest) && link.Peer is { } peer && peer.Link != link)
        {
            context.Output.Send(peer.Link.Id, header, rest);
        }
    }
}
