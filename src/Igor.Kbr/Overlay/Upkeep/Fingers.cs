using System.Collections.Immutable;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Overlay.Routing;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Long links: on each side one slot for each power of two of distance beyond the neighbours. A slot is
/// filled by any connection whose other end lies in it, whoever opened it; an empty one by asking the ring
/// for a random place in it. With them a message takes a number of hops logarithmic in the size of the ring.
/// </summary>
internal sealed class Fingers(
    NodeContext context, RingTable rings, Dialer dialer, Standings standings)
{
    private const int LookupsPerRound = 4;
    private const int SlotsPerSide = 255;
    private static readonly TimeSpan FirstRounds = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LookupTimeout = TimeSpan.FromSeconds(5);

    private readonly Peer?[] _clockwise = new Peer?[SlotsPerSide];
    private readonly Peer?[] _counterClockwise = new Peer?[SlotsPerSide];
    private int _cursor;

    /// <summary>Sends a control request; set by the node.</summary>
    public Action<TimeSpan, OwnRequest> Request { get; set; } = (_, _) => { };

    public void Start(TimeSpan now) => ScheduleRound(now, FirstRounds);

    private void ScheduleRound(TimeSpan now, TimeSpan period) =>
        context.Timers.Schedule(now + context.Random.Jitter(period), later =>
        {
            bool isFilling = RunRound(later);
            ScheduleRound(later, isFilling ? FirstRounds : context.Options.FingerPeriod);
        });

    /// <summary>Returns whether there are empty slots left that were not asked for in this round.</summary>
    private bool RunRound(TimeSpan now)
    {
        if (!rings.TryGet(ServiceId.Base, out ServiceRing? ring) || !ring.IsActive)
        {
            return true;
        }

        TakeStock(ring);
        NeighbourSet set = ring.Neighbours;
        if (set.IsWholeRing)
        {
            return false;
        }

        var empty = new List<(int Slot, bool Clockwise)>();
        CollectEmpty(empty, _clockwise, (set.Clockwise[^1] - context.Id).HighestBit(), true);
        CollectEmpty(empty, _counterClockwise, (context.Id - set.CounterClockwise[^1]).HighestBit(), false);
        int asked = Math.Min(LookupsPerRound, empty.Count);
        for (int i = 0; i < asked; i++)
        {
            LookUp(now, empty[(_cursor + i) % empty.Count]);
        }

        bool wasLast = _cursor + asked >= empty.Count;
        _cursor = wasLast ? 0 : _cursor + asked;
        return !wasLast;
    }

    private void TakeStock(ServiceRing ring)
    {
        Array.Clear(_clockwise);
        Array.Clear(_counterClockwise);
        foreach (Peer peer in ring.Members)
        {
            Key clockwise = peer.Id - context.Id;
            Key back = context.Id - peer.Id;
            Peer?[] side = clockwise < back ? _clockwise : _counterClockwise;
            int slot = Math.Min((clockwise < back ? clockwise : back).HighestBit(), SlotsPerSide - 1);
            Peer? holder = side[slot];
            side[slot] = holder is null || (peer.IsFinger && !holder.IsFinger) ? peer : holder;
        }

        foreach (Peer peer in context.Peers.All)
        {
            peer.IsFinger = false;
        }

        foreach (Peer? peer in _clockwise.Concat(_counterClockwise))
        {
            if (peer is not null)
            {
                peer.IsFinger = true;
            }
        }

        standings.ReviewAll();
    }

    private static void CollectEmpty(List<(int, bool)> empty, Peer?[] side, int extent, bool clockwise)
    {
        for (int slot = SlotsPerSide - 1; slot > extent; slot--)
        {
            if (side[slot] is null)
            {
                empty.Add((slot, clockwise));
            }
        }
    }

    private void LookUp(TimeSpan now, (int Slot, bool Clockwise) slot)
    {
        Key width = Key.PowerOfTwo(slot.Slot);
        Key offset = width + ModuloPowerOfTwo(context.Random.NextKey(), slot.Slot);
        var request = new OwnRequest
        {
            Service = ServiceId.Base,
            Destination = slot.Clockwise ? context.Id + offset : context.Id - offset,
            Flags = RouteFlags.Control | RouteFlags.ExcludeSource,
            Deadline = now + LookupTimeout,
            Completed = (later, result) => HandleLookup(later, slot, result),
        };
        request.Keep(ControlQuery.Near);
        Request(now, request);
    }

    private void HandleLookup(TimeSpan now, (int Slot, bool Clockwise) slot, RequestResult result)
    {
        if (result.Status != KbrStatus.Ok)
        {
            return;
        }

        if (!NearReply.TryRead(result.Payload, out ImmutableArray<Contact> contacts))
        {
            context.Raise(
                OverlayEventKind.ProtocolError, result.Responder, "a reply with contacts is malformed");
            return;
        }

        foreach (Contact contact in contacts)
        {
            Key distance = slot.Clockwise ? contact.Id - context.Id : context.Id - contact.Id;
            if (distance.HighestBit() == slot.Slot && dialer.TryDial(now, contact, result.Teller))
            {
                return;
            }
        }
    }

    private static Key ModuloPowerOfTwo(Key key, int exponent)
    {
        Key mask = Key.PowerOfTwo(exponent) - new Key(0, 0, 0, 1);
        return key & mask;
    }
}
