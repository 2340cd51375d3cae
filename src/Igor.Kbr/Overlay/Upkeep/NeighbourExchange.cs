using System.Collections.Immutable;
using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Keeps neighbour sets right: tells neighbours, periodically and after a loss, whom this node knows near
/// itself, and connects to those named by others that would be nearer than what it has. Periodic rather than
/// reactive repair keeps traffic bounded under churn (Rhea et al., "Handling Churn in a DHT", USENIX'04).
/// </summary>
internal sealed class NeighbourExchange(NodeContext context, RingTable rings, Dialer dialer) : Machine
{
    private static readonly TimeSpan SoonAfterChange = TimeSpan.FromMilliseconds(150);

    public override ReadOnlySpan<MessageType> Messages => [MessageType.Neighbours];

    public override void Start(TimeSpan now)
    {
        if (context.Options.JoinsRing)
        {
            context.Timers.Repeat(now, () => context.Random.Jitter(context.Options.ExchangePeriod), later =>
            {
                foreach (ServiceRing ring in rings.All)
                {
                    RunRound(ring);
                }
            });
        }
    }

    /// <summary>
    /// A ring changed: when neighbours were lost, the far ends of what is left know the next ones.
    /// </summary>
    public override void HandleRingChanged(TimeSpan now, ServiceId service, NeighbourChange change)
    {
        if (!rings.TryGet(service, out ServiceRing? ring) || !ring.IsActive || ring.IsExchangeScheduled)
        {
            return;
        }

        ring.IsExchangeScheduled = true;
        context.Timers.Schedule(now + context.Random.Jitter(SoonAfterChange, 0.6), _ =>
        {
            ring.IsExchangeScheduled = false;
            SendToEnds(ring);
        });
    }

    /// <summary>A peer told its neighbours.</summary>
    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        NeighboursMessage message = frame.Read<NeighboursMessage>();
        if (!rings.TryGet(message.Service, out ServiceRing? ring))
        {
            return;
        }

        Consider(now, ring, message.Contacts, Teller.Unasked(peer));
        if (message.WantsReply && ring.IsActive)
        {
            Send(peer, ring, wantsReply: false);
        }
    }

    /// <summary>Connects to nodes that would be neighbours.</summary>
    /// <param name="now">Monotonic time.</param>
    /// <param name="ring">The ring.</param>
    /// <param name="contacts">The nodes.</param>
    /// <param name="teller">The peer that told of them; null when this node knows them itself.</param>
    public void Consider(TimeSpan now, ServiceRing ring, ImmutableArray<Contact> contacts, Teller? teller)
    {
        foreach (Contact contact in contacts)
        {
            if (ring.WouldBeNeighbour(contact.Id, context.Options.NeighboursPerSide)
                && !context.Peers.Contains(contact.Id)
                && !dialer.IsDialling(contact.Id))
            {
                dialer.TryDial(now, contact, teller);
            }
        }
    }

    private void RunRound(ServiceRing ring)
    {
        NeighbourSet set = ring.Neighbours;
        if (!ring.IsActive || set.Count == 0)
        {
            return;
        }

        Key nearest = set.Clockwise[0];
        Key nearestBack = set.CounterClockwise[0];
        Key random = set.Others.ElementAt(context.Random.Next(set.Count));
        foreach (Key id in new HashSet<Key> { nearest, nearestBack, random })
        {
            SendTo(id, ring);
        }
    }

    private void SendToEnds(ServiceRing ring)
    {
        NeighbourSet set = ring.Neighbours;
        if (!ring.IsActive || set.Count == 0)
        {
            return;
        }

        foreach (Key id in new HashSet<Key>
        {
            set.Clockwise[^1], set.CounterClockwise[^1], set.Clockwise[0], set.CounterClockwise[0],
        })
        {
            SendTo(id, ring);
        }
    }

    private void SendTo(Key id, ServiceRing ring)
    {
        if (context.Peers.TryGet(id, out Peer? peer))
        {
            Send(peer, ring, wantsReply: true);
        }
    }

    private void Send(Peer peer, ServiceRing ring, bool wantsReply) =>
        context.Send(peer, new NeighboursMessage(ring.Id, wantsReply, rings.Contacts(ring)));
}
