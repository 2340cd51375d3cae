using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// The requests of this node: sends each attempt, routes anew at once when a hop failed, tries another path
/// when an answer is late, waits where there is no way yet, and ends each request exactly once, by its
/// deadline at the latest.
/// </summary>
internal sealed class Origin(
    NodeContext context,
    RingTable rings,
    PendingTable pending,
    Deliveries deliveries,
    ForwardDesk desk,
    PeerConduct conduct,
    RouteSelection routes) : IControlRequests
{
    private const int BackoffDoublingsMax = 4;

    /// <summary>A link loses nothing: the same frame once more only helps where the peer does.</summary>
    private static readonly TimeSpan SameHopAfter = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ParkedFirst = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ParkedMax = TimeSpan.FromMilliseconds(400);

    public void Begin(TimeSpan now, OwnRequest request)
    {
        if (pending.Add(PendingKind.Parked, now, request.Deadline) is not { } entry)
        {
            request.Complete(now, context.Output, new RequestResult(KbrStatus.Overloaded, default, default));
        }
        else
        {
            entry.Own = request;
            entry.IsControl = (request.Flags & RouteFlags.ForOverlay) != 0;
            request.BegunAt = now;
            Attempt(now, entry, request);
        }
    }

    /// <summary>Sends a message that wants no reply.</summary>
    public void SendOneWay(
        ServiceRing ring, Key destination, ReadOnlyMemory<byte> payload, RouteFlags flags)
    {
        var header = new RouteHeader(ring.Id, destination, context.Id, 0, WireLimits.HopsMax, flags, 0);
        Peer? next = NextHop(ring, destination, flags, null);
        if (next is null)
        {
            if (ring.IsActive)
            {
                deliveries.DeliverOwn(ring, header, payload, null);
            }
        }
        else if (payload.Length <= context.Options.PayloadBytesMax)
        {
            SendRoute(next, header, payload.Length, payload.Span);
        }
    }

    /// <summary>A reply came. Of an attempt before the last only an answer counts, no failure.</summary>
    public void HandleReply(
        TimeSpan now, Pending entry, Peer from, in ReplyHeader header, ReadOnlyMemory<byte> payload)
    {
        OwnRequest request = entry.Own!;
        bool isLast = entry.Kind == PendingKind.Own && entry.Newest.Next == from;
        switch (header.Status)
        {
            case ReplyStatus.Ok or ReplyStatus.NoSuchNode:
            case ReplyStatus.Stopped or ReplyStatus.Failed when isLast:
                request.AnsweredThrough = from;
                HandleResult(now, entry, header.Status, header.Responder, payload);
                break;
            case ReplyStatus.Working:
                if (entry.NoteWorking(from) && isLast)
                {
                    TimeSpan wait = PeerConduct.BelieveWorking(now - request.BegunAt);
                    pending.Change(entry, PendingKind.Own, now + wait);
                }

                break;
            default:
                entry.NoteFailed(from.Id);
                if (isLast)
                {
                    HandleResult(now, entry, header.Status, header.Responder, payload);
                }

                break;
        }
    }

    /// <summary>An attempt ended, or a delivery to the application here.</summary>
    public void HandleResult(
        TimeSpan now, Pending entry, ReplyStatus status, Key responder, ReadOnlyMemory<byte> payload)
    {
        switch (status)
        {
            case ReplyStatus.Ok:
                End(now, entry, new RequestResult(KbrStatus.Ok, responder, payload));
                break;
            case ReplyStatus.NoSuchNode:
                End(now, entry, KbrStatus.NoSuchNode);
                break;
            case ReplyStatus.Stopped:
                End(now, entry, KbrStatus.Stopped);
                break;
            case ReplyStatus.Failed:
                End(now, entry, new RequestResult(KbrStatus.Failed, responder, payload));
                break;
            case ReplyStatus.HopFailed:
                HandleHopFailed(now, entry);
                break;
            default:
                entry.Own!.LastStatus =
                    status == ReplyStatus.Overloaded ? KbrStatus.Overloaded : KbrStatus.Unreachable;
                Park(now, entry);
                break;
        }
    }

    /// <summary>A hop is gone, or drops requests.</summary>
    public void HandleFailed(TimeSpan now, Pending entry, Peer from)
    {
        bool isLast = entry.Kind == PendingKind.Own && entry.Newest.Next == from;
        entry.NoteFailed(from.Id);
        if (isLast)
        {
            HandleHopFailed(now, entry);
        }
    }

    /// <summary>An attempt is late, or a wait over.</summary>
    public void HandleLate(TimeSpan now, Pending entry)
    {
        if (entry.Kind == PendingKind.Own
            && conduct.LookAgainAt(now, entry, Patience(entry.Own!)) is { } again)
        {
            pending.Change(entry, PendingKind.Own, again);
        }
        else if (entry is { Kind: PendingKind.Own, Own.FirstHop: not null })
        {
            pending.Change(entry, PendingKind.Own, entry.End); // no other way is the one that it is for
        }
        else
        {
            Attempt(now, entry, entry.Own!);
        }
    }

    /// <summary>The deadline of a request has passed.</summary>
    public void HandleTimeout(TimeSpan now, Pending entry)
    {
        conduct.NoteUnanswered(now, entry);
        End(now, entry, entry.Kind == PendingKind.Parked ? entry.Own!.LastStatus : KbrStatus.Timeout);
    }

    public void End(TimeSpan now, Pending entry, KbrStatus status) =>
        End(now, entry, new RequestResult(status, default, default));

    private void End(TimeSpan now, Pending entry, in RequestResult result)
    {
        OwnRequest request = entry.Own!;
        pending.Remove(entry);
        request.Complete(now, context.Output, result);
    }

    /// <summary>A connection on the way broke: another way is tried, at once the first times.</summary>
    private void HandleHopFailed(TimeSpan now, Pending entry)
    {
        OwnRequest request = entry.Own!;
        request.LastStatus = KbrStatus.Unreachable;
        if (request.Attempts <= 3)
        {
            Attempt(now, entry, request);
        }
        else
        {
            Park(now, entry);
        }
    }

    private void Attempt(TimeSpan now, Pending entry, OwnRequest request)
    {
        request.Attempts++;
        Pass(now, entry, request, isDecided: false);
    }

    /// <summary>Sends the message of a request, or delivers it when this node is the root.</summary>
    private void Pass(TimeSpan now, Pending entry, OwnRequest request, bool isDecided)
    {
        if (!rings.TryGet(request.Service, out ServiceRing? ring))
        {
            End(now, entry, KbrStatus.Unreachable);
            return;
        }

        Peer? next = null;
        if (request.FirstHop is { } first
            && (request.Attempts > 1 || !context.Peers.TryGet(first, out next)))
        {
            End(now, entry, request.LastStatus);
            return;
        }

        next ??= NextHop(ring, request.Destination, request.Flags, request.Tried);
        if (next is not null)
        {
            if (isDecided || !ring.IsActive || !ring.WantsForward
                || request.Flags.HasFlag(RouteFlags.Control) || !TryAsk(now, ring, entry, next.Id))
            {
                Send(now, entry, request, next);
            }
        }
        else if (ring.IsActive)
        {
            RouteHeader header = Header(now, request, 0);
            DeliveryResult result = deliveries.DeliverOwn(ring, header, request.Payload, entry);
            if (result.Status is { } status)
            {
                HandleResult(now, entry, status, context.Id, result.Payload);
            }
        }
        else
        {
            context.Machines.MemberMissed(now, ring.Id);
            request.LastStatus = KbrStatus.Unreachable;
            Park(now, entry);
        }
    }

    /// <summary>Shows an attempt to the application that asked for it, while the deadline runs.</summary>
    private bool TryAsk(TimeSpan now, ServiceRing ring, Pending entry, Key next)
    {
        OwnRequest request = entry.Own!;
        if (!desk.HasRoom(request.Payload.Length))
        {
            return false;
        }

        pending.Change(entry, PendingKind.Undecided, entry.End);
        ulong undecided = entry.Id;
        desk.Park(
            now,
            ring.Id,
            new KbrForward(request.Destination, context.Id, next, request.Payload),
            (later, decision) =>
            {
                if (pending.Find(undecided) is { Kind: PendingKind.Undecided } waiting && later < waiting.End)
                {
                    HandleDecision(later, waiting, decision);
                }
            });
        return true;
    }

    private void HandleDecision(TimeSpan now, Pending entry, ForwardDecision decision)
    {
        OwnRequest request = entry.Own!;
        if (!decision.Goes)
        {
            End(now, entry, KbrStatus.Stopped);
        }
        else if (decision.Replacement?.Length > context.Options.PayloadBytesMax)
        {
            End(now, entry, KbrStatus.TooLarge);
        }
        else
        {
            if (decision.Replacement is { } replacement)
            {
                request.Release();
                request.Keep(replacement);
            }

            Pass(now, entry, request, isDecided: true);
        }
    }

    /// <summary>Sends one attempt of a request to a peer.</summary>
    private void Send(TimeSpan now, Pending entry, OwnRequest request, Peer next)
    {
        if (entry.WaitsForSince(next) is { } since && now < since + SameHopAfter)
        {
            pending.Change(entry, PendingKind.Own, since + SameHopAfter);
            return;
        }

        request.NoteTried(next.Id);
        if (SendRoute(next, Header(now, request, entry.Id), request.Payload.Length, request.Rest))
        {
            entry.NoteAttempt(now, next);
            pending.Change(entry, PendingKind.Own, conduct.LookAt(now, entry, Patience(request)));
            return;
        }

        request.LastStatus = KbrStatus.Overloaded;
        Park(now, entry);
    }

    private static double Patience(OwnRequest request) =>
        Math.Pow(2, Math.Min(request.Attempts - 1, BackoffDoublingsMax));

    private void Park(TimeSpan now, Pending entry)
    {
        TimeSpan wait = ParkedFirst * Math.Pow(2, Math.Min(entry.Own!.Attempts, 8));
        wait = context.Random.Jitter(wait < ParkedMax ? wait : ParkedMax);
        pending.Change(entry, PendingKind.Parked, now + wait);
    }

    private RouteHeader Header(TimeSpan now, OwnRequest request, ulong hopId) => new(
        request.Service,
        request.Destination,
        context.Id,
        hopId,
        WireLimits.HopsMax,
        request.Flags,
        RouteHeader.MsUntil(now, request.Deadline),
        request.Number);

    private Peer? NextHop(ServiceRing ring, Key destination, RouteFlags flags, List<Key>? tried) =>
        routes.NextHop(
            ring.Members,
            ring.IsActive && !flags.HasFlag(RouteFlags.ExcludeSource),
            destination,
            new HopsToAvoid { Tried = tried });

    private bool SendRoute(Peer next, in RouteHeader header, int payloadLength, ReadOnlySpan<byte> rest)
    {
        Span<byte> bytes = stackalloc byte[RoutedFrame.RouteHeaderBytes + RoutedFrame.PayloadPrefixBytes];
        RoutedFrame.WriteRoute(bytes, header, payloadLength);
        return context.Send(next.Link, bytes, rest);
    }
}
