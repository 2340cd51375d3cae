using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Messages whose root this node is: hands them to the application and, when they are requests, waits for its
/// answer. Each ends with an answer, an error, or the application's end, which sends the request on to the
/// next root; by its deadline otherwise.
/// </summary>
internal sealed class Deliveries(NodeContext context, RingTable rings, PendingTable pending)
{
    /// <summary>This node's own requests; set by the node.</summary>
    public Origin Origin { get; set; } = null!;

    /// <summary>Sends replies back; set by the node.</summary>
    public Router Router { get; set; } = null!;

    /// <summary>Answers requests to the overlay itself.</summary>
    public ControlRequests Control { get; } = new(rings);

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
        else if (header.Flags.HasFlag(RouteFlags.Probe))
        {
            Finish(now, from, header.HopId, own, ReplyStatus.Ok, default);
        }
        else if (header.Flags.HasFlag(RouteFlags.Control))
        {
            ReplyStatus status =
                Control.Answer(ring, header.Source, payload, out ReadOnlyMemory<byte> answer);
            Finish(now, from, header.HopId, own, status, answer);
        }
        else if (header.HopId == 0 && own is null)
        {
            context.Output.Deliver(ring.Id, Delivery(header, from, DeliveryToken.None, payload));
        }
        else
        {
            Pending? entry = from is null
                ? pending.Add(PendingKind.Delivery, now, own!.Deadline)
                : pending.Remember(PendingKind.Delivery, now, from, header);
            if (entry is null)
            {
                Finish(now, from, header.HopId, own, ReplyStatus.Overloaded, default);
                return;
            }

            entry.Own = own;
            entry.Service = ring.Id;
            context.Output.Deliver(
                ring.Id, Delivery(header, from, new DeliveryToken((long)entry.Id), payload));
        }
    }

    /// <summary>The application answered a delivery.</summary>
    public void Answer(TimeSpan now, DeliveryToken delivery, ReadOnlyMemory<byte> payload)
    {
        if (payload.Length <= context.Options.PayloadBytesMax)
        {
            FinishDelivery(now, FindDelivery(delivery), ReplyStatus.Ok, payload);
        }
        else if (FindDelivery(delivery) is { } entry)
        {
            string text = $"an answer of {payload.Length} bytes is too large";
            context.Raise(OverlayEventKind.LimitReached, context.Id, text);
            FinishDelivery(now, entry, ReplyStatus.Failed, PeerCodec.WriteError(text));
        }
    }

    /// <summary>The application answered a delivery with an error.</summary>
    public void Fail(TimeSpan now, DeliveryToken delivery, string error, bool isTemporary) => FinishDelivery(
        now,
        FindDelivery(delivery),
        isTemporary ? ReplyStatus.Overloaded : ReplyStatus.Failed,
        isTemporary ? default : PeerCodec.WriteError(error));

    /// <summary>
    /// The member application of a service is gone: what it has not answered looks for another root.
    /// </summary>
    public void HandleMemberGone(TimeSpan now, ServiceId service)
    {
        foreach (Pending entry in pending.Where(e => e.Kind == PendingKind.Delivery && e.Service == service))
        {
            FinishDelivery(now, entry, ReplyStatus.HopFailed, default);
        }
    }

    private KbrDelivery Delivery(
        in RouteHeader header, Link? from, DeliveryToken token, ReadOnlyMemory<byte> payload) =>
        new(header.Destination, header.Source, token, payload)
        {
            IsSourceProven = from is null || from.PeerId == header.Source,
            Via = from?.PeerId ?? context.Id,
            RequestId = header.RequestNumber == 0
                ? KbrRequestId.None
                : new KbrRequestId(header.Source, header.RequestNumber),
        };

    private Pending? FindDelivery(DeliveryToken delivery) =>
        pending.Find((ulong)delivery.Value) is { Kind: PendingKind.Delivery } entry ? entry : null;

    private void FinishDelivery(
        TimeSpan now, Pending? entry, ReplyStatus status, ReadOnlyMemory<byte> payload)
    {
        if (entry is not null)
        {
            Link? from = entry.Previous;
            ulong hopId = entry.PreviousId;
            OwnRequest? own = entry.Own;
            pending.Remove(entry);
            Finish(now, from, hopId, own, status, payload);
        }
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
            Router.SendReply(from, hopId, status, payload.Span);
        }
    }
}
