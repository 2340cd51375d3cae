using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>A message on its way through this node.</summary>
internal readonly record struct Passing(
    ServiceRing Ring, RouteHeader Header, ReadOnlyMemory<byte> Payload, ReadOnlyMemory<byte> Frame);

/// <summary>
/// Hands a request over to the best of the hops that it may go to, to the application that wants to see what
/// passes before, or to the application here when nobody is nearer.
/// </summary>
internal sealed class Handover(
    NodeContext context,
    PendingTable pending,
    Deliveries deliveries,
    PeerConduct conduct,
    RouteSelection routes)
{
    /// <summary>A third is left when one died and the next is slow; more is the origin's business.</summary>
    public const int HopsTriedMax = 3;

    /// <summary>
    /// A hop sends so many more messages than it gets, at most: where all are late because there is too much
    /// to do, more messages make it worse.
    /// </summary>
    private const double RetriesPerRequest = 0.1;

    private const double RetriesAtOnceMax = 32;

    private const int BackoffDoublingsMax = 4;

    /// <summary>A link loses nothing: the same frame once more only helps where the peer does.</summary>
    private static readonly TimeSpan SameHopAfter = TimeSpan.FromSeconds(2);

    /// <summary>An application that has not decided by then does not care.</summary>
    private static readonly TimeSpan DecisionPatience = TimeSpan.FromSeconds(2);

    private double _retries = RetriesAtOnceMax;

    /// <summary>Another node's message came: what hops may send more grows with it.</summary>
    public void NoteCame() => _retries = Math.Min(RetriesAtOnceMax, _retries + RetriesPerRequest);

    /// <summary>
    /// Passes a message to the best of the hops that it may go to, again to those that had it when all had,
    /// or delivers it here, with a result if that is over; false when there is no way.
    /// </summary>
    public bool TryPass(
        TimeSpan now, Pending entry, in Passing message, bool again, out DeliveryResult result)
    {
        bool isOwn = entry.Own is not null;
        result = default;
        for (int sends = 0; sends < Pending.AttemptsMax; sends++) // beyond it the first ones are forgotten
        {
            Peer? next = NextHop(now, entry, message);
            if (next is null)
            {
                return TryDeliver(now, entry, message, out result);
            }

            if (message.Header.HopsLeft <= 0 || (!isOwn && !MayTry(now, entry, next)))
            {
                return false;
            }

            if (TryAsk(now, entry, message, next.Id))
            {
                return true;
            }

            if (entry.WasTried(next.Id))
            {
                if (!again)
                {
                    return false;
                }

                again = false;
                entry.BeginRound();
            }

            if (isOwn && entry.TryGet(next, out Attempt attempt) && !attempt.HasFailed
                && now < attempt.LastAt + SameHopAfter)
            {
                TimeSpan at = attempt.LastAt + SameHopAfter;
                TimeSpan soon = conduct.SilentAt(now, next) ?? at;
                pending.Change(entry, PendingKind.Sent, soon < at ? soon : at);
                return true;
            }

            if (TrySend(now, entry, next, message.Header, message.Frame.Span))
            {
                return true;
            }
        }

        return false;
    }

    private Peer? NextHop(TimeSpan now, Pending entry, in Passing message)
    {
        if (entry.Own?.FirstHop is { } first)
        {
            return context.Peers.TryGet(first, out Peer? only) ? only : null;
        }

        (ServiceRing ring, RouteHeader header, _, _) = message;
        bool isMember = ring.IsActive && header.Excluded != context.Id;
        return routes.NextHop(now, ring.Members, isMember, header.Destination, header.Excluded, entry);
    }

    /// <summary>Whether another node's request may go to a hop after others.</summary>
    private bool MayTry(TimeSpan now, Pending entry, Peer next)
    {
        int tried = entry.Attempts.Length;
        if (tried == 0)
        {
            return true;
        }

        bool may = tried < HopsTriedMax && _retries >= 1 && !entry.WasTried(next.Id)
            && !(entry.WaitsForSome && conduct.IsSuspect(now, next));
        _retries -= may ? 1 : 0;
        return may;
    }

    /// <summary>Shows a message to the application that asked for it, once.</summary>
    private bool TryAsk(TimeSpan now, Pending entry, in Passing message, Key next)
    {
        (ServiceRing ring, RouteHeader header, ReadOnlyMemory<byte> payload, _) = message;
        if (entry.IsDecided || entry.IsControl || !ring.WantsForward || !ring.IsActive
            || !pending.TryKeepFrame(entry, message.Frame.Span))
        {
            return false;
        }

        entry.IsDecided = true;
        pending.Change(entry, PendingKind.Undecided, now + DecisionPatience);
        context.Output.Forward(
            ring.Id, (long)entry.Id, new KbrForward(header.Destination, header.Source, next, payload));
        return true;
    }

    /// <summary>Nobody nearer is left: this node is the root, if it is a member.</summary>
    private bool TryDeliver(TimeSpan now, Pending entry, in Passing message, out DeliveryResult result)
    {
        result = default;
        (ServiceRing ring, RouteHeader header, _, _) = message;
        if (!ring.IsActive && entry.Own?.FirstHop is null)
        {
            context.Machines.Each(machine => machine.HandleMemberMissed(now, ring.Id));
        }

        if (!ring.IsActive || entry.Own?.FirstHop is not null)
        {
            return false;
        }

        header = header with { TimeoutMs = RouteHeader.MsUntil(now, entry.End) };
        result = deliveries.Deliver(ring, header, message.Payload, entry);
        return true;
    }

    private bool TrySend(
        TimeSpan now, Pending entry, Peer next, in RouteHeader header, ReadOnlySpan<byte> frame)
    {
        bool wantsReply = entry.Own is not null || entry.PreviousId != 0;
        if (wantsReply)
        {
            pending.TryKeepFrame(entry, frame);
        }

        Span<byte> rewritten = stackalloc byte[RoutedFrame.RouteHeaderBytes];
        frame[..RoutedFrame.RouteHeaderBytes].CopyTo(rewritten);
        RoutedFrame.RewriteRoute(
            rewritten, wantsReply ? entry.Id : 0, header.HopsLeft - 1, RouteHeader.MsUntil(now, entry.End));
        entry.NoteAttempt(now, next);
        if (!context.Send(next.Link, rewritten, frame[RoutedFrame.RouteHeaderBytes..]))
        {
            entry.NoteFailed(next); // it takes no more now, or no such large frame
            return false;
        }

        if (!wantsReply)
        {
            pending.Remove(entry);
            return true;
        }

        if (entry.Own is { } own)
        {
            own.Attempts++;
        }

        pending.Change(entry, PendingKind.Sent, conduct.LookAt(now, entry, Patience(entry)));
        return true;
    }

    /// <summary>Each attempt of a request of this node may take twice as long as the one before.</summary>
    public static double Patience(Pending entry) =>
        Math.Pow(2, Math.Clamp((entry.Own?.Attempts ?? 1) - 1, 0, BackoffDoublingsMax));
}
