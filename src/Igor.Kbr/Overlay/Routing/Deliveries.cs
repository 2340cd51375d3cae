using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>How a delivery went that needs no answer, or got one at once.</summary>
/// <param name="Status">The answer; null when there is none, or not yet.</param>
/// <param name="Payload">What it says.</param>
internal readonly record struct DeliveryResult(ReplyStatus? Status, ReadOnlyMemory<byte> Payload = default);

/// <summary>
/// Messages whose root this node is: hands them to the application, or answers for the overlay, and keeps the
/// requests that the application has not answered. A repeat of one of those is not delivered again: its way
/// gets the answer too, and until then the word that it is being worked on.
/// </summary>
internal sealed class Deliveries(NodeContext context, RingTable rings, PendingTable pending, WayBack back)
{
    /// <summary>More ways than hops try on their own account; later ones are told to come again.</summary>
    private const int WaysMax = 8;

    private readonly ControlRequests _control = new(rings);
    private readonly RequestFingerprint _fingerprints = new(context.Random);
    private readonly Dictionary<ulong, Pending> _open = [];

    /// <summary>Delivers a message that came over a link; its sender is told what becomes of it.</summary>
    public void Deliver(
        TimeSpan now, ServiceRing ring, in RouteHeader header, ReadOnlyMemory<byte> payload, Link from)
    {
        if (AnswerAtOnce(ring, header, payload) is { } result)
        {
            Reply(from, header.HopId, result);
        }
        else if (header.HopId == 0)
        {
            HandOver(ring, header, from, DeliveryToken.None, payload);
        }
        else
        {
            ulong fingerprint = _fingerprints.Of(header, from.PeerId == header.Source, payload.Span);
            Pending? first = fingerprint == 0 ? null : _open.GetValueOrDefault(fingerprint);
            if (first is not null && first.IsWayOf(from, header.HopId))
            {
                back.Send(from, header.HopId, ReplyStatus.Working, default);
            }
            else if (first?.CountOfWays >= WaysMax
                || pending.Remember(PendingKind.Delivery, now, from, header) is not { } entry)
            {
                back.Refuse(from, header.HopId, ReplyStatus.Overloaded);
            }
            else if (first is not null)
            {
                first.AddWay(entry);
                back.Send(from, header.HopId, ReplyStatus.Working, default);
            }
            else
            {
                Open(ring, entry, fingerprint);
                HandOver(ring, header, from, new DeliveryToken((long)entry.Id), payload);
            }
        }
    }

    /// <summary>
    /// Delivers a message of this node itself; its entry, if it has one, waits for the application then.
    /// </summary>
    public DeliveryResult DeliverOwn(
        ServiceRing ring, in RouteHeader header, ReadOnlyMemory<byte> payload, Pending? entry)
    {
        if (AnswerAtOnce(ring, header, payload) is { } result)
        {
            return result;
        }

        DeliveryToken token = DeliveryToken.None;
        if (entry is not null)
        {
            PendingTable.Renew(entry);
            pending.Change(entry, PendingKind.Delivery, entry.End);
            Open(ring, entry, 0);
            token = new DeliveryToken((long)entry.Id);
        }

        HandOver(ring, header, null, token, payload);
        return default;
    }

    /// <summary>The delivery that a token names, while it waits for an answer.</summary>
    public Pending? Find(DeliveryToken token) =>
        pending.Find((ulong)token.Value) is { Kind: PendingKind.Delivery, First: null } entry ? entry : null;

    /// <summary>What the application of a service has not answered.</summary>
    public List<Pending> Of(ServiceId service) => pending.Where(
        e => e.Kind == PendingKind.Delivery && e.First is null && e.Service == service);

    /// <summary>A delivery of another node's request is answered, to whoever waits for it.</summary>
    public void Finish(Pending entry, in DeliveryResult result)
    {
        _open.Remove(entry.Fingerprint);
        for (Pending? way = entry; way is not null;)
        {
            (Link? from, ulong hopId, Pending? next) = (way.Previous, way.PreviousId, way.NextWay);
            pending.Remove(way);
            Reply(from!, hopId, result);
            way = next;
        }
    }

    /// <summary>Nobody waits any more at the end of one way: the peer is gone, or its time is over.</summary>
    public void GiveUp(Pending way)
    {
        if (way.First is not null)
        {
            way.LeaveWays();
            pending.Remove(way);
        }
        else if (way.NextWay is { } next)
        {
            next.LeaveWays();
            pending.TakeOver(way, next);
        }
        else
        {
            _open.Remove(way.Fingerprint);
            pending.Remove(way);
        }
    }

    private void Open(ServiceRing ring, Pending entry, ulong fingerprint)
    {
        entry.Service = ring.Id;
        entry.Fingerprint = fingerprint;
        if (fingerprint != 0)
        {
            _open[fingerprint] = entry;
        }
    }

    private DeliveryResult? AnswerAtOnce(
        ServiceRing ring, in RouteHeader header, ReadOnlyMemory<byte> payload)
    {
        if ((header.Flags & RouteFlags.Exact) != 0 && header.Destination != context.Id)
        {
            return new DeliveryResult(ReplyStatus.NoSuchNode);
        }

        if ((header.Flags & RouteFlags.Probe) != 0)
        {
            return new DeliveryResult(ReplyStatus.Ok);
        }

        return (header.Flags & RouteFlags.Control) != 0
            ? _control.Answer(ring, header.Source, payload)
            : null;
    }

    private void HandOver(
        ServiceRing ring,
        in RouteHeader header,
        Link? from,
        DeliveryToken token,
        ReadOnlyMemory<byte> payload) =>
        context.Output.Deliver(ring.Id, new(header.Destination, header.Source, token, payload)
        {
            IsSourceProven = from is null || from.PeerId == header.Source,
            Via = from?.PeerId ?? context.Id,
            RequestId = header.RequestNumber == 0
                ? KbrRequestId.None
                : new KbrRequestId(header.Source, header.RequestNumber),
        });

    private void Reply(Link to, ulong hopId, in DeliveryResult result)
    {
        if (hopId != 0)
        {
            back.Send(to, hopId, result.Status ?? ReplyStatus.Ok, result.Payload.Span);
        }
    }
}
