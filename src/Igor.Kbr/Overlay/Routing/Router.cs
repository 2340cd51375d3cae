using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Recursive routing at one hop. A message goes to a nearer peer of its service or is delivered here; the
/// reply retraces the path through the soft state that each hop keeps. Says what happened to a request to
/// those who look after it: <see cref="Passage"/> after those of other nodes, <see cref="Origin"/> after this
/// node's own, <see cref="Deliveries"/> after those that are for it.
/// </summary>
internal sealed class Router(
    NodeContext context,
    RingTable rings,
    PendingTable pending,
    Passage passage,
    Origin origin,
    Deliveries deliveries,
    ForwardDesk desk,
    PeerConduct conduct,
    RouteSelection routes,
    WayBack back) : TimedMachine
{
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
            HandleReply(now, peer, header, frame.Body, payload);
        }
    }

    /// <summary>The application answered a delivery.</summary>
    public void Answer(TimeSpan now, DeliveryToken delivery, ReadOnlyMemory<byte> payload)
    {
        if (payload.Length <= context.Options.PayloadBytesMax)
        {
            Finish(now, deliveries.Find(delivery), new DeliveryResult(ReplyStatus.Ok, payload));
        }
        else if (deliveries.Find(delivery) is { } entry)
        {
            string text = $"an answer of {payload.Length} bytes is too large";
            context.Raise(OverlayEventKind.LimitReached, context.Id, text);
            Finish(now, entry, new DeliveryResult(ReplyStatus.Failed, PeerCodec.WriteError(text)));
        }
    }

    /// <summary>The application answered a delivery with an error.</summary>
    public void Fail(TimeSpan now, DeliveryToken delivery, string error, bool isTemporary) => Finish(
        now,
        deliveries.Find(delivery),
        isTemporary
            ? new DeliveryResult(ReplyStatus.Overloaded)
            : new DeliveryResult(ReplyStatus.Failed, PeerCodec.WriteError(error)));

    /// <summary>
    /// The member application of a service is gone: what it has not answered looks for another root.
    /// </summary>
    public void HandleMemberGone(TimeSpan now, ServiceId service)
    {
        foreach (Pending entry in deliveries.Of(service))
        {
            Finish(now, entry, new DeliveryResult(ReplyStatus.HopFailed));
        }
    }

    /// <summary>
    /// A peer is gone: what it waits for is forgotten, and what waits for it looks for another way.
    /// </summary>
    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason)
    {
        foreach (Pending entry in pending.Where(e => e.Previous?.Peer == peer))
        {
            while (entry.Previous?.Peer == peer) // once more when another way that it came takes its place
            {
                Forget(entry);
            }
        }

        HandleSilence(now, peer, null);
    }

    /// <summary>A peer drops requests: that one, or all passed to it, looks for another way.</summary>
    public void HandleSilence(TimeSpan now, Peer peer, ulong? request)
    {
        foreach (Pending entry in pending.Where(e => e.WaitsFor(peer) && (request ?? e.Id) == e.Id))
        {
            if (!entry.WaitsFor(peer))
            {
                continue; // it ended with another one
            }

            if (entry.Own is not null)
            {
                origin.HandleFailed(now, entry, peer);
            }
            else
            {
                passage.HandleFailed(now, entry, peer, ReplyStatus.HopFailed);
            }
        }
    }

    /// <summary>Does what is due about requests, and ends those that have waited too long.</summary>
    public override void HandleDeadline(TimeSpan now)
    {
        while (pending.NextDue(now) is { } entry)
        {
            switch (entry.Own is not null, now >= entry.End)
            {
                case (false, true):
                    conduct.NoteUnanswered(now, entry);
                    Forget(entry);
                    break;
                case (false, false):
                    passage.HandleLate(now, entry);
                    break;
                case (true, true):
                    origin.HandleTimeout(now, entry);
                    break;
                case (true, false):
                    origin.HandleLate(now, entry);
                    break;
            }
        }
    }

    /// <summary>The node leaves: its own requests end.</summary>
    public void Leave(TimeSpan now)
    {
        foreach (Pending entry in pending.Where(e => e.Own is not null))
        {
            origin.End(now, entry, KbrStatus.Closed);
        }
    }

    private void HandleRoute(
        TimeSpan now,
        Link link,
        in RouteHeader header,
        ReadOnlyMemory<byte> frame,
        ReadOnlyMemory<byte> payload,
        bool isDecided = false)
    {
        // Our own messages do not come back, for each hop is nearer; and one in our name that we passed on
        // would prove to the next hop that it is ours.
        if (header.Source == context.Id
            || !rings.TryGet(header.Service, out ServiceRing? ring) || !ring.IsActive
            || (header.Service == ServiceId.Base && (header.Flags & RouteFlags.ForOverlay) == 0))
        {
            back.Refuse(link, header.HopId, ReplyStatus.Unreachable);
            return;
        }

        var avoid = new HopsToAvoid { Excluded = header.Excluded };
        Peer? next = routes.NextHop(ring.Members, true, header.Destination, avoid);
        if (next is null)
        {
            deliveries.Deliver(now, ring, header, payload, link);
        }
        else if (header.HopsLeft <= 0)
        {
            back.Refuse(link, header.HopId, ReplyStatus.Unreachable);
        }
        else if (isDecided || !ring.WantsForward || !desk.HasRoom(payload.Length)
            || (header.Flags & RouteFlags.ForOverlay) != 0)
        {
            passage.Begin(now, link, next, header, frame.Span);
        }
        else
        {
            Park(now, link, header, frame, payload, next.Id);
        }
    }

    /// <summary>Shows a message to the application first; apart, since it allocates.</summary>
    private void Park(
        TimeSpan now,
        Link link,
        in RouteHeader header,
        ReadOnlyMemory<byte> frame,
        ReadOnlyMemory<byte> payload,
        Key next)
    {
        byte[] kept = frame.ToArray();
        TimeSpan end = now + TimeSpan.FromMilliseconds(header.TimeoutMs);
        desk.Park(
            now,
            header.Service,
            new KbrForward(header.Destination, header.Source, next, payload),
            (later, decision) => HandleDecision(later, link, kept, end, decision),
            link.PeerId);
    }

    /// <summary>
    /// The application's word on a message that waited. Where it goes is decided only now: peers may have
    /// come, gone, or left the service meanwhile.
    /// </summary>
    private void HandleDecision(
        TimeSpan now, Link link, byte[] frame, TimeSpan end, ForwardDecision decision)
    {
        RoutedFrame.TryReadRoute(frame, out RouteHeader header, out ReadOnlyMemory<byte> payload);
        if (header.HopId != 0 && !(link.Peer is { } peer && context.Peers.IsConnected(peer)))
        {
            return; // nobody is left to take the reply
        }

        if (!decision.Goes || !Fits(decision.Replacement, frame.Length - payload.Length))
        {
            back.Refuse(link, header.HopId, ReplyStatus.Stopped);
            return;
        }

        if (decision.Replacement is { } replacement)
        {
            frame = RoutedFrame.WithPayload(frame, payload.Length, replacement);
            payload = replacement;
        }

        header = header with { TimeoutMs = RouteHeader.MsUntil(now, end) };
        HandleRoute(now, link, header, frame, payload, isDecided: true);
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

    private void HandleReply(
        TimeSpan now,
        Peer from,
        in ReplyHeader header,
        ReadOnlyMemory<byte> frame,
        ReadOnlyMemory<byte> payload)
    {
        bool isAnswer = header.Status == ReplyStatus.Ok;
        if (pending.Find(header.HopId) is not { } entry || entry.SentTo(from, isAnswer) is not { } sentAt)
        {
            return;
        }

        if (isAnswer)
        {
            conduct.NoteReplyTime(from, now - sentAt);
        }

        conduct.NoteAnswer(from, entry, header.Status);
        if (entry.Own is not null)
        {
            origin.HandleReply(now, entry, from, header, payload);
        }
        else
        {
            passage.HandleReply(now, entry, from, header, frame.Span);
        }
    }

    private void Finish(TimeSpan now, Pending? entry, in DeliveryResult result)
    {
        if (entry?.Own is not null)
        {
            origin.HandleResult(now, entry, result.Status!.Value, context.Id, result.Payload);
        }
        else if (entry is not null)
        {
            deliveries.Finish(entry, result);
        }
    }

    /// <summary>Nobody waits for the answer any more.</summary>
    private void Forget(Pending entry)
    {
        if (entry.Kind == PendingKind.Delivery)
        {
            deliveries.GiveUp(entry);
        }
        else
        {
            pending.Remove(entry);
        }
    }
}
