using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// An active member met a peer that it found through an address, not through its ring: perhaps the peer's
/// ring is another one. Looking for its own neighbours there makes the two merge: in a few rings, and who
/// is met there says what others it runs.
/// </summary>
internal sealed class Merging(
    NodeContext context, RingTable rings, NeighbourExchange exchange, LinkCare care, NeighbourLookup lookup)
    : Machine
{
    /// <summary>With the pauses, as long as a connection that is of no use is kept.</summary>
    private const int TriesMax = 8;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    public override void HandlePeerUp(TimeSpan now, Peer peer) => LookInto(now, peer);

    /// <summary>A hello does not list what runs where that is much.</summary>
    public override void HandleServicesChanged(TimeSpan now, Peer peer, List<ServiceId> changed)
    {
        if (changed.Contains(ServiceId.Base))
        {
            LookInto(now, peer);
        }
    }

    private void LookInto(TimeSpan now, Peer peer)
    {
        if (!peer.Link.IsOwnEntry)
        {
            return;
        }

        ServiceRing[] shared =
            [.. rings.All.Where(r => r.IsActive && peer.Runs(r.Id)).Take(HelloMessage.ServicesListedMax)];
        foreach (ServiceRing ring in shared)
        {
            LookInto(now, ring, peer, TriesMax);
        }
    }

    private void LookInto(TimeSpan now, ServiceRing ring, Peer peer, int tries) =>
        lookup.Run(now, ring, context.Id, peer.Id, (later, result) =>
        {
            if (result.Near is { } near)
            {
                exchange.Consider(later, ring, near, result.Teller);
            }
            else if (tries > 1 && context.Peers.IsConnected(peer))
            {
                context.Timers.Schedule(later + context.Random.Jitter(Pause), again =>
                {
                    if (ring.IsActive && context.Peers.IsConnected(peer))
                    {
                        LookInto(again, ring, peer, tries - 1);
                    }
                });
                return;
            }

            care.EndEntry(later, peer);
        });
}
