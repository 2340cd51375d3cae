using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Recursive routing at one hop. A message goes to a nearer peer of its service or is delivered here; the
/// reply retraces the path through the soft state that each hop keeps. Says what happened to a request to
/// those who look after it: <see cref="Passage"/>, and <see cref="Deliveries"/> when it is for this node.
/// </summary>
internal sealed class Router(
    NodeContext context,
    RingTable rings,
    PendingTable pending,
    Passage passage,
    Deliveries deliveries,
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

    /// <summary>Sends a message of this node that wants no reply.</summary>
    public void SendOneWay(
        TimeSpan now, ServiceRing ring, Key destination, ReadOnlyMemory<byte> payload, RouteFlags flags)
    {
        var header = new RouteHeader(ring.Id, destination, context.Id, 0, WireLimits.HopsMax, flags, 0);
        Peer? next = routes.NextHop(now, ring.Members, ring.IsActive, destination);
        if (next is null && ring.IsActive)
        {
            deliveries.Deliver(ring, header, payload, null);
        }
        else if (next is not null && payload.Length <= context.Options.PayloadBytesMax)
        {
            Span<byte> bytes = stackalloc byte[RoutedFrame.RouteHeaderBytes + RoutedFrame.PayloadPrefixBytes];
            RoutedFrame.WriteRoute(bytes, header, payload.Length);
            context.Send(next.Link, bytes, payload.Span);
        }
    }

    public void Answer(TimeSpan now, DeliveryToken token, ReadOnlyMemory<byte> payload)
    {
        if (payload.Length <= context.Options.PayloadBytesMax)
        {
            Finish(now, token, new DeliveryResult(ReplyStatus.Ok, payload));
        }
        else if (deliveries.Find(token) is not null)
        {
            string text = $"an answer of {payload.Length} bytes is too large";
            context.Raise(OverlayEventKind.LimitReached, context.Id, text);
            Fail(now, token, text, isTemporary: false);
        }
    }

    public void Fail(TimeSpan now, DeliveryToken token, string error, bool isTemporary) => Finish(
        now,
        token,
        isTemporary
            ? new DeliveryResult(ReplyStatus.Overloaded)
            : new DeliveryResult(ReplyStatus.Failed, PeerCodec.WriteError(error)));

    /// <summary>The application decided about a message that waits for its word.</summary>
    public void Decide(TimeSpan now, long parked, ForwardDecision decision)
    {
        if (pending.Find((ulong)parked) is { Kind: PendingKind.Undecided } entry && now < entry.End)
        {
            passage.Decide(now, entry, decision);
        }
    }

    /// <summary>A service's member is gone: what it has not answered looks for another root.</summary>
    public void HandleMemberGone(TimeSpan now, ServiceId service)
    {
        foreach (Delivery delivery in deliveries.Of(service))
        {
            passage.Answer(now, delivery, new DeliveryResult(ReplyStatus.HopFailed));
        }
    }

    /// <summary>What the peer waits for is forgotten, and what waits for it looks for another way.</summary>
    public override void HandlePeerDown(TimeSpan now, Peer peer, DepartureReason reason)
    {
        foreach (Pending entry in pending.Where(e => e.Previous?.Peer == peer))
        {
            passage.Forget(entry);
        }

        LeaveHop(now, peer);
    }

    /// <summary>What waits for a peer that drops requests looks for another way.</summary>
    public override void HandlePlaceChanged(TimeSpan now, Peer peer)
    {
        if (rings.IsBarred(peer))
        {
            LeaveHop(now, peer);
        }
    }

    /// <summary>Does what is due about requests, and ends those that have waited too long.</summary>
    public override void HandleDeadline(TimeSpan now)
    {
        while (pending.NextDue(now) is { } entry)
        {
            if (now >= entry.End)
            {
                passage.HandleTimeout(now, entry);
            }
            else
            {
                passage.HandleLate(now, entry);
            }
        }
    }

    public void Leave(TimeSpan now)
    {
        foreach (Pending entry in pending.Where(e => e.Own is not null))
        {
            passage.End(now, entry, KbrStatus.Closed);
        }
    }

    private void LeaveHop(TimeSpan now, Peer peer)
    {
        foreach (Pending entry in pending.Where(e => e.WaitsFor(peer)))
        {
            if (entry.WaitsFor(peer)) // else it ended with another one
            {
                passage.HandleFailed(now, entry, peer, ReplyStatus.HopFailed);
            }
        }
    }

    private void HandleRoute(
        TimeSpan now,
        Link link,
        in RouteHeader header,
        ReadOnlyMemory<byte> frame,
        ReadOnlyMemory<byte> payload)
    {
        // Our own messages do not come back, for each hop is nearer; and one in our name that we passed on
        // would prove to the next hop that it is ours.
        if (header.Source == context.Id
            || !rings.TryGet(header.Service, out ServiceRing? ring) || !ring.IsActive
            || (header.Service == ServiceId.Base && (header.Flags & RouteFlags.Control) == 0))
        {
            back.Reply(link, header.HopId, ReplyStatus.Unreachable, default);
        }
        else if (pending.Add(now, header, link) is { } entry)
        {
            passage.Begin(now, entry, new Passing(ring, header, payload, frame));
        }
        else
        {
            back.Reply(link, header.HopId, ReplyStatus.Overloaded, default);
        }
    }

    private void HandleReply(
        TimeSpan now,
        Peer from,
        in ReplyHeader header,
        ReadOnlyMemory<byte> frame,
        ReadOnlyMemory<byte> payload)
    {
        // A hop that refused a repeat may bring the answer to what it was passed before, but no other reply.
        if (pending.Find(header.HopId) is { } entry && entry.TryGet(from, out Attempt attempt)
            && (header.Status == ReplyStatus.Ok || !attempt.HasFailed))
        {
            conduct.NoteReply(now, from, entry, attempt, header.Status);
            passage.HandleReply(now, entry, from, header, frame.Span, payload);
        }
    }

    private void Finish(TimeSpan now, DeliveryToken token, in DeliveryResult result)
    {
        if (deliveries.Find(token) is { } delivery)
        {
            passage.Answer(now, delivery, result);
        }
    }
}
