using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// The requests of this node: sends each attempt, routes anew at once when a hop failed, tries another path
/// after a timeout that adapts to the peer (mean + 4 x variation, Rhea et al., USENIX'04), waits where there
/// is no way yet, and ends each request exactly once, by its deadline at the latest.
/// </summary>
internal sealed class Origin(NodeContext context, RingTable rings, PendingTable pending)
    : IControlRequests
{
    private static readonly TimeSpan AttemptFirst = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AttemptMin = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ParkedFirst = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ParkedMax = TimeSpan.FromMilliseconds(400);

    /// <summary>Judges peers by what becomes of requests; set by the node.</summary>
    public required SilenceDetection Silence { get; init; }

    /// <summary>Delivers here; set by the node.</summary>
    public required Deliveries Deliveries { get; init; }

    /// <summary>Messages that wait for an application's word; set by the node.</summary>
    public required ForwardDesk Desk { get; init; }

    public void Begin(TimeSpan now, OwnRequest request)
    {
        if (request.Payload.Length > context.Options.PayloadBytesMax)
        {
            End(now, request, KbrStatus.TooLarge, default, default);
        }
        else
        {
            Attempt(now, request);
        }
    }

    /// <summary>Sends a message that wants no reply.</summary>
    public void SendOneWay(
        TimeSpan now, ServiceRing ring, Key destination, ReadOnlyMemory<byte> payload, RouteFlags flags)
    {
        var header = new RouteHeader(ring.Id, destination, context.Id, 0, WireLimits.HopsMax, flags, 0);
        Peer? next = NextHop(ring, destination, null);
        if (next is null)
        {
            if (ring.IsActive)
            {
                Deliveries.Deliver(now, ring, header, payload, null, null);
            }
        }
        else if (payload.Length <= context.Options.PayloadBytesMax)
        {
            SendRoute(next, header, payload.Length, payload.Span);
        }
    }

    public void HandleReply(
        TimeSpan now, OwnRequest request, Key from, in ReplyHeader header, ReadOnlyMemory<byte> payload)
    {
        if (request.IsDone)
        {
            return;
        }

        switch (header.Status)
        {
            case ReplyStatus.Ok:
                request.AnsweredThrough = context.Peers.TryGet(from, out Peer? through) ? through : null;
                End(now, request, KbrStatus.Ok, header.Responder, payload);
                break;
            case ReplyStatus.NoSuchNode:
                End(now, request, KbrStatus.NoSuchNode, default, default);
                break;
            case ReplyStatus.Stopped:
                End(now, request, KbrStatus.Stopped, default, default);
                break;
            case ReplyStatus.Failed:
                End(now, request, KbrStatus.Failed, header.Responder, payload);
                break;
            case ReplyStatus.HopFailed:
                HandleHopFailed(now, request);
                break;
            default:
                request.LastStatus =
                    header.Status == ReplyStatus.Overloaded ? KbrStatus.Overloaded : KbrStatus.Unreachable;
                Park(now, request);
                break;
        }
    }

    /// <summary>A connection on the way broke: another way is tried, at once the first times.</summary>
    public void HandleHopFailed(TimeSpan now, OwnRequest request)
    {
        if (request.IsDone)
        {
            return;
        }

        request.LastStatus = KbrStatus.Unreachable;
        if (request.Attempts <= 3)
        {
            Attempt(now, request);
        }
        else
        {
            Park(now, request);
        }
    }

    /// <summary>An attempt, a wait or a delivery reached its deadline.</summary>
    public void HandleDue(TimeSpan now, OwnRequest request, PendingKind kind)
    {
        if (request.IsDone)
        {
            return;
        }

        if (now >= request.Deadline || kind == PendingKind.Delivery)
        {
            KbrStatus status = kind == PendingKind.Parked ? request.LastStatus : KbrStatus.Timeout;
            End(now, request, status, default, default);
            return;
        }

        Attempt(now, request);
    }

    public void End(
        TimeSpan now, OwnRequest request, KbrStatus status, Key responder, ReadOnlyMemory<byte> payload)
    {
        if (request.IsDone)
        {
            return;
        }

        request.IsDone = true;
        if (request.Completed is { } completed)
        {
            completed(
                now, new RequestResult(status, responder, payload) { Through = request.AnsweredThrough });
        }
        else if (status == KbrStatus.Failed)
        {
            string error = PeerCodec.ReadError(payload.Span);
            context.Output.CompleteRequest(
                request.Name, new KbrReply(status, responder, default) { Error = error });
        }
        else
        {
            context.Output.CompleteRequest(request.Name, new KbrReply(status, responder, payload));
        }

        request.Release();
    }

    private void Attempt(TimeSpan now, OwnRequest request)
    {
        request.Attempts++;
        Pass(now, request, isDecided: false);
    }

    /// <summary>Sends the message of a request, or delivers it when this node is the root.</summary>
    private void Pass(TimeSpan now, OwnRequest request, bool isDecided)
    {
        if (!rings.TryGet(request.Service, out ServiceRing? ring))
        {
            End(now, request, KbrStatus.Unreachable, default, default);
            return;
        }

        Peer? next = null;
        if (request.FirstHop is { } first
            && (request.Attempts > 1 || !context.Peers.TryGet(first, out next)))
        {
            End(now, request, request.LastStatus, default, default);
            return;
        }

        next ??= NextHop(ring, request.Destination, request.Tried, request.Flags);
        var header = new RouteHeader(
            ring.Id,
            request.Destination,
            context.Id,
            0,
            WireLimits.HopsMax,
            request.Flags,
            (uint)(request.Deadline - now).TotalMilliseconds,
            request.Number);
        if (next is not null)
        {
            if (isDecided || !ring.IsActive || !ring.WantsForward
                || request.Flags.HasFlag(RouteFlags.Control) || !TryAsk(now, ring, request, next.Id))
            {
                Send(now, request, header, next);
            }
        }
        else if (ring.IsActive)
        {
            Deliveries.Deliver(now, ring, header, request.Payload, null, request);
        }
        else
        {
            context.Machines.MemberMissed(now, ring.Id);
            request.LastStatus = KbrStatus.Unreachable;
            Park(now, request);
        }
    }

    /// <summary>Shows an attempt to the application that asked for it, while the deadline runs.</summary>
    private bool TryAsk(TimeSpan now, ServiceRing ring, OwnRequest request, Key next)
    {
        if (!Desk.HasRoom(request.Payload.Length)
            || pending.Add(PendingKind.Undecided, now, request.Deadline) is not { } entry)
        {
            return false;
        }

        entry.Own = request;
        ulong undecided = entry.Id;
        Desk.Park(
            now,
            ring.Id,
            new KbrForward(request.Destination, context.Id, next, request.Payload),
            (later, decision) => HandleDecision(later, request, undecided, decision));
        return true;
    }

    private void HandleDecision(TimeSpan now, OwnRequest request, ulong undecided, ForwardDecision decision)
    {
        if (pending.Find(undecided) is not { } entry || now >= request.Deadline)
        {
            return; // its time is over, or the node left
        }

        pending.Remove(entry);
        if (!decision.Goes)
        {
            End(now, request, KbrStatus.Stopped, default, default);
        }
        else if (decision.Replacement?.Length > context.Options.PayloadBytesMax)
        {
            End(now, request, KbrStatus.TooLarge, default, default);
        }
        else if (!request.IsDone)
        {
            if (decision.Replacement is { } replacement)
            {
                request.Release();
                request.Keep(replacement);
            }

            Pass(now, request, isDecided: true);
        }
    }

    /// <summary>Sends one attempt of a request to a peer.</summary>
    private void Send(TimeSpan now, OwnRequest request, in RouteHeader header, Peer next)
    {
        TimeSpan timeout = AttemptTimeout(next, request.Attempts);
        TimeSpan deadline = now + timeout < request.Deadline ? now + timeout : request.Deadline;
        Pending? entry = pending.Add(PendingKind.Own, now, deadline);
        if (entry is null)
        {
            End(now, request, KbrStatus.Overloaded, default, default);
            return;
        }

        entry.Own = request;
        entry.Next = next;
        entry.IsControl = (request.Flags & RouteFlags.ForOverlay) != 0;
        request.NoteTried(next.Id);
        if (SendRoute(next, header with { HopId = entry.Id }, request.Payload.Length, request.Rest))
        {
            Silence.NoteSent(now, next, entry);
            return;
        }

        pending.Remove(entry);
        request.LastStatus = KbrStatus.Overloaded;
        Park(now, request);
    }

    private void Park(TimeSpan now, OwnRequest request)
    {
        TimeSpan wait = ParkedFirst * Math.Pow(2, Math.Min(request.Attempts, 8));
        wait = context.Random.Jitter(wait < ParkedMax ? wait : ParkedMax);
        TimeSpan until = now + wait < request.Deadline ? now + wait : request.Deadline;
        Pending? entry = pending.Add(PendingKind.Parked, now, until);
        if (entry is null)
        {
            End(now, request, KbrStatus.Overloaded, default, default);
            return;
        }

        entry.Own = request;
    }

    private Peer? NextHop(
        ServiceRing ring, Key destination, List<Key>? tried, RouteFlags flags = RouteFlags.None) =>
        RouteSelection.NextHop(
            ring.Members,
            context.Id,
            ring.IsActive && !flags.HasFlag(RouteFlags.ExcludeSource),
            destination,
            null,
            tried);

    private bool SendRoute(Peer next, in RouteHeader header, int payloadLength, ReadOnlySpan<byte> rest)
    {
        Span<byte> bytes = stackalloc byte[RoutedFrame.RouteHeaderBytes + RoutedFrame.PayloadPrefixBytes];
        RoutedFrame.WriteRoute(bytes, header, payloadLength);
        return context.Output.Send(next.Link.Id, bytes, rest);
    }

    private static TimeSpan AttemptTimeout(Peer peer, int attempts)
    {
        SmoothedTime reply = peer.ReplyTime;
        TimeSpan timeout = reply.Mean is { } mean ? mean + (4 * reply.Variation) : AttemptFirst;
        return (timeout > AttemptMin ? timeout : AttemptMin) * Math.Pow(2, Math.Min(attempts - 1, 4));
    }
}
