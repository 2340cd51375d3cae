using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// A request of another node on its way through this one. It goes to a nearer peer; when that is gone, cannot
/// pass it on, or answers later than it does else, it goes to another one too, so often and no oftener: the
/// node that it came from has longer to wait to see the same. Its reply goes back the way that it came.
/// </summary>
internal sealed class Passage(
    NodeContext context,
    RingTable rings,
    PendingTable pending,
    Deliveries deliveries,
    PeerConduct conduct,
    RouteSelection routes,
    WayBack back)
{
    /// <summary>A third is left when one died and the next is slow; more is the origin's business.</summary>
    private const int HopsTriedMax = 3;

    /// <summary>
    /// A hop sends so many more messages than it gets, at most: where all are late because there is too much
    /// to do, more messages make it worse.
    /// </summary>
    private const double RetriesPerRequest = 0.1;

    private const double RetriesAtOnceMax = 32;

    private double _retries = RetriesAtOnceMax;

    /// <summary>Passes a message on: a new hop id and hop count, everything else as it came.</summary>
    public void Begin(TimeSpan now, Link from, Peer next, in RouteHeader header, ReadOnlySpan<byte> frame)
    {
        if (header.HopId == 0)
        {
            Send(next, 0, header, header.TimeoutMs, frame);
            return;
        }

        if (pending.Remember(PendingKind.Transit, now, from, header) is not { } entry)
        {
            back.Refuse(from, header.HopId, ReplyStatus.Overloaded);
            return;
        }

        _retries = Math.Min(RetriesAtOnceMax, _retries + RetriesPerRequest);
        entry.IsControl = (header.Flags & RouteFlags.ForOverlay) != 0;
        pending.KeepFrame(entry, frame);
        if (!TrySend(now, entry, next, header, frame) && !TryAnother(now, entry))
        {
            pending.Remove(entry);
            back.Refuse(from, header.HopId, ReplyStatus.Overloaded);
        }
    }

    /// <summary>A reply came: it goes back, unless it is none and there is another way.</summary>
    public void HandleReply(
        TimeSpan now, Pending entry, Peer from, in ReplyHeader header, ReadOnlySpan<byte> reply)
    {
        if (header.Status is ReplyStatus.HopFailed or ReplyStatus.Unreachable)
        {
            HandleFailed(now, entry, from, header.Status);
            return;
        }

        if (header.Status == ReplyStatus.Overloaded)
        {
            entry.NoteFailed(from.Id);
            if (entry.WaitsForSome)
            {
                return; // another hop may bring the answer yet
            }
        }

        (Link previous, ulong previousId) = (entry.Previous!, entry.PreviousId);
        if (header.Status == ReplyStatus.Working)
        {
            if (!entry.NoteWorking(from))
            {
                return;
            }

            if (entry.Newest is { SentAt: var sentAt } newest && newest.Next == from)
            {
                TimeSpan wait = PeerConduct.BelieveWorking(now - sentAt);
                pending.Change(entry, PendingKind.Transit, now + wait);
            }
        }
        else
        {
            pending.Remove(entry);
        }

        back.Pass(previous, previousId, reply);
    }

    /// <summary>A hop is gone, or cannot pass it on.</summary>
    public void HandleFailed(TimeSpan now, Pending entry, Peer from, ReplyStatus status)
    {
        entry.NoteFailed(from.Id);
        if (entry.WaitsForSome || TryAnother(now, entry))
        {
            return;
        }

        (Link previous, ulong previousId) = (entry.Previous!, entry.PreviousId);
        pending.Remove(entry);
        back.Refuse(previous, previousId, status);
    }

    /// <summary>It should have been answered by now.</summary>
    public void HandleLate(TimeSpan now, Pending entry)
    {
        if (conduct.LookAgainAt(now, entry) is { } again)
        {
            pending.Change(entry, PendingKind.Transit, again);
        }
        else if (!TryAnother(now, entry))
        {
            pending.Change(entry, PendingKind.Transit, entry.End);
        }
    }

    private bool TryAnother(TimeSpan now, Pending entry)
    {
        if (entry.Frame is not { } kept || entry.AttemptCount >= HopsTriedMax || _retries < 1
            || !RoutedFrame.TryReadRoute(
                kept.AsMemory(0, entry.FrameBytes), out RouteHeader header, out ReadOnlyMemory<byte> payload)
            || !rings.TryGet(header.Service, out ServiceRing? ring) || !ring.IsActive)
        {
            return false;
        }

        var avoid = new HopsToAvoid { Excluded = header.Excluded, Passed = entry };
        Peer? next = routes.NextHop(ring.Members, true, header.Destination, avoid);
        if (next is null)
        {
            return TryDeliver(now, entry, ring, header, payload);
        }

        if (entry.WasPassedTo(next.Id) || (entry.WaitsForSome && conduct.IsSuspect(next)))
        {
            return false;
        }

        if (!TrySend(now, entry, next, header, kept.AsSpan(0, entry.FrameBytes)))
        {
            return TryAnother(now, entry);
        }

        _retries--;
        return true;
    }

    /// <summary>All who were nearer are gone: this node is the root.</summary>
    private bool TryDeliver(
        TimeSpan now, Pending entry, ServiceRing ring, in RouteHeader header, ReadOnlyMemory<byte> payload)
    {
        if (entry.WaitsForSome)
        {
            return false;
        }

        Link previous = entry.Previous!;
        byte[] frame = pending.TakeFrame(entry)!;
        uint left = RouteHeader.MsUntil(now, entry.End);
        pending.Remove(entry);
        deliveries.Deliver(now, ring, header with { TimeoutMs = left }, payload, previous);
        LargeBuffers.Return(frame);
        return true;
    }

    private bool TrySend(
        TimeSpan now, Pending entry, Peer next, in RouteHeader header, ReadOnlySpan<byte> frame)
    {
        entry.NoteAttempt(now, next);
        if (!Send(next, entry.Id, header, RouteHeader.MsUntil(now, entry.End), frame))
        {
            entry.NoteFailed(next.Id); // it takes no more now, or no such large frame
            return false;
        }

        pending.Change(entry, PendingKind.Transit, conduct.LookAt(now, entry));
        return true;
    }

    private bool Send(Peer next, ulong hopId, in RouteHeader header, uint timeoutMs, ReadOnlySpan<byte> frame)
    {
        Span<byte> rewritten = stackalloc byte[RoutedFrame.RouteHeaderBytes];
        frame[..RoutedFrame.RouteHeaderBytes].CopyTo(rewritten);
        RoutedFrame.RewriteRoute(rewritten, hopId, header.HopsLeft - 1, timeoutMs);
        return context.Send(next.Link, rewritten, frame[RoutedFrame.RouteHeaderBytes..]);
    }
}
