using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>A request that the application has, and the ways by which it came: all get the answer.</summary>
internal sealed record Delivery(ServiceId Service, ulong Fingerprint, DeliveryToken Token)
{
    public List<Pending> Ways { get; } = [];
}

/// <summary>How a delivery went that needs no answer, or got one at once.</summary>
/// <param name="Status">The answer; null when there is none yet.</param>
/// <param name="Payload">What it says.</param>
internal readonly record struct DeliveryResult(ReplyStatus? Status, ReadOnlyMemory<byte> Payload = default);

/// <summary>
/// Messages whose root this node is: hands them to the application, or answers for the overlay, and keeps the
/// requests that the application has not answered. A repeat of one of those is not delivered again: its way
/// gets the answer too, and until then the word that it is being worked on.
/// </summary>
internal sealed class Deliveries(NodeContext context, RingTable rings, PendingTable pending, WayBack back)
{
    /// <summary>
    /// More ways than hops try on their own account; beyond it the oldest, which may lead nowhere any more,
    /// is told to come again: one of the same peer where there is any.
    /// </summary>
    private const int WaysMax = 8;

    private readonly RequestFingerprint _fingerprints = new(context.Random);
    private readonly Dictionary<ulong, Delivery> _byFingerprint = [];
    private readonly Dictionary<long, Delivery> _byToken = [];
    private long _lastToken;
    private int _turn;

    /// <summary>Delivers a message; without a result its entry, if any, waits for the application.</summary>
    public DeliveryResult Deliver(
        ServiceRing ring, in RouteHeader header, ReadOnlyMemory<byte> payload, Pending? entry)
    {
        if ((header.Flags & RouteFlags.Exact) != 0 && header.Destination != context.Id)
        {
            return new DeliveryResult(ReplyStatus.NoSuchNode);
        }

        if ((header.Flags & RouteFlags.Control) != 0)
        {
            return AnswerControl(ring, header.Source, payload);
        }

        Link? from = entry?.Previous;
        if (entry is null || (from is not null && entry.PreviousId == 0))
        {
            HandOver(ring, header, from, DeliveryToken.None, payload);
            return new DeliveryResult(ReplyStatus.Ok);
        }

        ulong fingerprint =
            from is null ? 0 : _fingerprints.Of(header, from.PeerId == header.Source, payload.Span);
        if (fingerprint != 0 && _byFingerprint.TryGetValue(fingerprint, out Delivery? first))
        {
            if (first.Ways.Exists(
                way => way.Previous?.Peer == from!.Peer && way.PreviousId == entry.PreviousId))
            {
                return new DeliveryResult(ReplyStatus.Working);
            }

            if (first.Ways.Count >= WaysMax)
            {
                Pending oldest = first.Ways.Find(way => way.Previous!.Peer == from!.Peer) ?? first.Ways[0];
                back.Reply(oldest.Previous!, oldest.PreviousId, ReplyStatus.Overloaded, default);
                first.Ways.Remove(oldest);
                pending.Remove(oldest);
            }

            Add(first, entry);
            back.Reply(from!, entry.PreviousId, ReplyStatus.Working, default);
            return default;
        }

        var delivery = new Delivery(ring.Id, fingerprint, new DeliveryToken(++_lastToken));
        _byToken.Add(delivery.Token.Value, delivery);
        if (fingerprint != 0)
        {
            _byFingerprint.Add(fingerprint, delivery);
        }

        Add(delivery, entry);
        HandOver(ring, header, from, delivery.Token, payload);
        return default;
    }

    /// <summary>The delivery that a token names, while somebody waits for its answer.</summary>
    public Delivery? Find(DeliveryToken token) => _byToken.GetValueOrDefault(token.Value);

    /// <summary>What the application of a service has not answered, the oldest first.</summary>
    public Delivery[] Of(ServiceId service) =>
        [.. _byToken.Values.Where(d => d.Service == service).OrderBy(d => d.Token.Value)];

    /// <summary>Nobody waits any more at the end of a way.</summary>
    public void Leave(Pending way)
    {
        if (way.Delivery is { } delivery && delivery.Ways.Remove(way) && delivery.Ways.Count == 0)
        {
            Close(delivery);
        }
    }

    /// <summary>It is answered, or nobody waits for it.</summary>
    public void Close(Delivery delivery)
    {
        _byToken.Remove(delivery.Token.Value);
        _byFingerprint.Remove(delivery.Fingerprint);
    }

    /// <summary>
    /// Answers who is near a key, the one request that is for the root itself: joining nodes ask for their
    /// own id, finger selection for a place far away.
    /// </summary>
    private DeliveryResult AnswerControl(ServiceRing ring, Key asker, ReadOnlyMemory<byte> query) =>
        NearQuery.TryRead(query, out NearQuery near)
            ? new DeliveryResult(ReplyStatus.Ok, NearReply.Write(Near(ring, asker, near)))
            : new DeliveryResult( // no attempt at another root is worth while
                ReplyStatus.Failed, PeerCodec.WriteError("this node knows no control request of that kind"));

    /// <summary>The root and those near it; where some are enough, others beside it each time.</summary>
    private ImmutableArray<Contact> Near(ServiceRing ring, Key asker, NearQuery query)
    {
        ImmutableArray<Contact> near = rings.Contacts(ring.Neighbours.Others
            .Prepend(ring.Neighbours.Self)
            .Where(id => id != asker && !query.Known.Contains(RingTerms.Short(RingTerms.Term(ring.Id, id)))));
        if (near.Length <= query.ContactsMax || query.ContactsMax < 1)
        {
            return near;
        }

        int first = _turn++ % near.Length;
        return [near[0], .. near.Skip(1).Concat(near.Skip(1)).Skip(first).Take(query.ContactsMax - 1)];
    }

    private void Add(Delivery delivery, Pending way)
    {
        delivery.Ways.Add(way);
        way.Delivery = delivery;
        way.ForgetAttempts();
        pending.Change(way, PendingKind.Delivered, way.End);
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
}
