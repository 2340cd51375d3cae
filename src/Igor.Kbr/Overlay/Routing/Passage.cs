using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// A request on its way through this node. It goes to a nearer peer; when that is gone, cannot pass it on, or
/// answers later than it does else, it goes to another one too; with nobody nearer it is delivered here. Of
/// another node's a hop tries few, since the node that it came from has longer to wait to see the same; its
/// reply goes back the way that it came. One of this node itself is tried until its deadline, and waits where
/// there is no way yet.
/// </summary>
internal sealed class Passage(
    NodeContext context,
    RingTable rings,
    PendingTable pending,
    Deliveries deliveries,
    PeerConduct conduct,
    Handover handover,
    WayBack back)
{
    private static readonly TimeSpan ParkedFirst = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ParkedMax = TimeSpan.FromMilliseconds(400);

    public void Begin(TimeSpan now, OwnRequest request, ReadOnlySpan<byte> payload)
    {
        if (pending.Add(now, request.Deadline) is not { } entry)
        {
            request.Complete(now, context.Output, new RequestResult(KbrStatus.Overloaded, default, default));
            return;
        }

        const int before = RoutedFrame.RouteHeaderBytes + RoutedFrame.PayloadPrefixBytes;
        int behind = request.Number == 0 ? 0 : RoutedFrame.RequestNumberBytes;
        entry.Own = request;
        entry.IsControl = (request.Flags & RouteFlags.Control) != 0;
        Span<byte> frame = pending.NewFrame(entry, before + payload.Length + behind);
        RoutedFrame.WriteRoute(
            frame,
            new RouteHeader(
                request.Service,
                request.Destination,
                context.Id,
                0,
                WireLimits.HopsMax + 1,
                request.Flags,
                0,
                request.Number),
            payload.Length);
        payload.CopyTo(frame[before..]);
        if (behind > 0)
        {
            RoutedFrame.WriteRequestNumber(frame[^behind..], request.Number);
        }

        PassOrGiveUp(now, entry, ReplyStatus.Unreachable);
    }

    public void Begin(TimeSpan now, Pending entry, in Passing message)
    {
        handover.NoteCame();
        entry.IsControl = (message.Header.Flags & RouteFlags.Control) != 0;
        if (!TryPass(now, entry, message, again: false))
        {
            bool mayGo = message.Header.HopsLeft > 0;
            Settle(now, entry, mayGo ? ReplyStatus.Overloaded : ReplyStatus.Unreachable);
        }
    }

    /// <summary>A reply came: it goes back, unless it is none and there is another way.</summary>
    public void HandleReply(
        TimeSpan now,
        Pending entry,
        Peer from,
        in ReplyHeader header,
        ReadOnlySpan<byte> frame,
        ReadOnlyMemory<byte> payload)
    {
        switch (header.Status)
        {
            case ReplyStatus.Working:
                HandleWorking(now, entry, from, frame);
                break;
            case ReplyStatus.HopFailed or ReplyStatus.Unreachable:
            case ReplyStatus.Overloaded when entry.Own is not null:
                HandleFailed(now, entry, from, header.Status);
                break;
            case ReplyStatus.Overloaded:
                entry.NoteFailed(from);
                if (!entry.WaitsForSome) // else another hop may bring the answer yet
                {
                    Settle(now, entry, header.Status);
                }

                break;
            default:
                if (entry.Own is not null)
                {
                    Settle(now, entry, header.Status, header.Responder, payload, from);
                }
                else
                {
                    (Link previous, ulong previousId) = (entry.Previous!, entry.PreviousId);
                    pending.Remove(entry);
                    back.Pass(previous, previousId, frame);
                }

                break;
        }
    }

    /// <summary>A hop is gone, drops requests, or cannot pass it on.</summary>
    public void HandleFailed(TimeSpan now, Pending entry, Peer from, ReplyStatus status)
    {
        bool isNewest = entry.IsNewest(from);
        entry.NoteFailed(from);
        if (entry.Own is null ? entry.WaitsForSome : !isNewest)
        {
            return;
        }

        if (entry.Own is { } own
            && (status == ReplyStatus.Overloaded || own.Attempts > Handover.HopsTriedMax))
        {
            Settle(now, entry, status);
        }
        else
        {
            PassOrGiveUp(now, entry, status);
        }
    }

    /// <summary>It should have been answered by now, or a wait is over.</summary>
    public void HandleLate(TimeSpan now, Pending entry)
    {
        if (entry.Kind == PendingKind.Undecided)
        {
            Decide(now, entry, ForwardDecision.Continue);
        }
        else if (entry.Kind == PendingKind.Sent
            && conduct.LookAgainAt(now, entry, Handover.Patience(entry)) is { } again)
        {
            pending.Change(entry, PendingKind.Sent, again);
        }
        else if (entry is { Kind: PendingKind.Sent, Own.FirstHop: not null })
        {
            pending.Change(entry, PendingKind.Sent, entry.End); // no other way is the one that it is for
        }
        else if (entry.Own is not null)
        {
            PassOrGiveUp(now, entry, ReplyStatus.Unreachable, again: true);
        }
        else if (!TryAnother(now, entry))
        {
            pending.Change(entry, PendingKind.Sent, conduct.SilentAt(now, entry.Newest.Next) ?? entry.End);
        }
    }

    /// <summary>The deadline of a request has passed.</summary>
    public void HandleTimeout(TimeSpan now, Pending entry)
    {
        conduct.NoteUnanswered(now, entry);
        if (entry.Own is { } own)
        {
            End(now, entry, entry.Kind == PendingKind.Parked ? own.LastStatus : KbrStatus.Timeout);
        }
        else
        {
            Forget(entry);
        }
    }

    /// <summary>The application's word on a message that waits for it.</summary>
    public void Decide(TimeSpan now, Pending entry, ForwardDecision decision)
    {
        entry.Read(out ReadOnlyMemory<byte> payload);
        if (!decision.Goes || !Fits(decision.Replacement, entry.FrameBytes - payload.Length))
        {
            if (decision.Goes && entry.Own is not null)
            {
                End(now, entry, KbrStatus.TooLarge);
            }
            else
            {
                Settle(now, entry, ReplyStatus.Stopped);
            }

            return;
        }

        if (decision.Replacement is { } replacement)
        {
            byte[] frame = RoutedFrame.WithPayload(
                entry.Frame.AsSpan(0, entry.FrameBytes), payload.Length, replacement);
            frame.CopyTo(pending.NewFrame(entry, frame.Length));
        }

        PassOrGiveUp(now, entry, ReplyStatus.Unreachable);
    }

    /// <summary>The application here answered, or is gone: all who wait for that are told.</summary>
    public void Answer(TimeSpan now, Delivery delivery, in DeliveryResult result)
    {
        deliveries.Close(delivery);
        foreach (Pending way in delivery.Ways)
        {
            way.Delivery = null;
            Settle(now, way, result.Status!.Value, context.Id, result.Payload);
        }
    }

    /// <summary>Nobody waits for the answer any more.</summary>
    public void Forget(Pending entry)
    {
        deliveries.Leave(entry);
        pending.Remove(entry);
    }

    public void End(TimeSpan now, Pending entry, KbrStatus status) =>
        End(now, entry, new RequestResult(status, default, default));

    private void End(TimeSpan now, Pending entry, in RequestResult result)
    {
        OwnRequest request = entry.Own!;
        Forget(entry);
        request.Complete(now, context.Output, result);
    }

    /// <summary>
    /// A reply, or what this node says in its place. Another node's request ends with it. One of this node
    /// itself waits, unless that is an answer.
    /// </summary>
    private void Settle(
        TimeSpan now,
        Pending entry,
        ReplyStatus status,
        Key responder = default,
        ReadOnlyMemory<byte> payload = default,
        Peer? through = null)
    {
        if (entry.Own is not { } own)
        {
            (Link previous, ulong previousId) = (entry.Previous!, entry.PreviousId);
            pending.Remove(entry);
            back.Reply(previous, previousId, status, payload.Span);
            return;
        }

        KbrStatus? end = status switch
        {
            ReplyStatus.Ok => KbrStatus.Ok,
            ReplyStatus.NoSuchNode => KbrStatus.NoSuchNode,
            ReplyStatus.Stopped => KbrStatus.Stopped,
            ReplyStatus.Failed => KbrStatus.Failed,
            _ => null,
        };
        own.LastStatus = status == ReplyStatus.Overloaded ? KbrStatus.Overloaded : KbrStatus.Unreachable;
        if (end is not null || own.FirstHop is not null)
        {
            var result = new RequestResult(end ?? own.LastStatus, responder, payload) { Through = through };
            End(now, entry, result);
            return;
        }

        TimeSpan wait = ParkedFirst * Math.Pow(2, Math.Min(++own.Waits, 8));
        wait = context.Random.Jitter(wait < ParkedMax ? wait : ParkedMax);
        pending.Change(entry, PendingKind.Parked, now + wait);
    }

    private void HandleWorking(TimeSpan now, Pending entry, Peer from, ReadOnlySpan<byte> frame)
    {
        if (!entry.NoteWorking(from))
        {
            return;
        }

        if (entry.IsNewest(from))
        {
            TimeSpan taken = now - (entry.Own is null ? entry.Newest.SentAt : entry.BegunAt);
            pending.Change(entry, PendingKind.Sent, now + PeerConduct.BelieveWorking(taken));
        }

        if (entry.Previous is { } previous)
        {
            back.Pass(previous, entry.PreviousId, frame);
        }
    }

    private void PassOrGiveUp(TimeSpan now, Pending entry, ReplyStatus status, bool again = false)
    {
        if (!TryAnother(now, entry, again))
        {
            Settle(now, entry, status);
        }
    }

    /// <summary>Takes another way with a frame that was kept; false when there is none.</summary>
    private bool TryAnother(TimeSpan now, Pending entry, bool again = false)
    {
        if (entry.Frame is not { } frame)
        {
            return false;
        }

        RouteHeader header = entry.Read(out ReadOnlyMemory<byte> payload);
        if (!rings.TryGet(header.Service, out ServiceRing? ring) && entry.Own is not null)
        {
            End(now, entry, KbrStatus.Unreachable);
            return true;
        }

        return ring is not null && (ring.IsActive || entry.Own is not null)
            && TryPass(now, entry, new(ring, header, payload, frame.AsMemory(0, entry.FrameBytes)), again);
    }

    private bool TryPass(TimeSpan now, Pending entry, in Passing message, bool again)
    {
        bool isPassed = handover.TryPass(now, entry, message, again, out DeliveryResult result);
        if (result.Status is { } status)
        {
            Settle(now, entry, status, context.Id, result.Payload);
        }

        return isPassed;
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
}
