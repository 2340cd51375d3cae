using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// Two links to one run of one peer, since both sides dialled at once or one found its link dead: which of
/// them is used, and when the other one is closed.
/// </summary>
internal sealed class SecondLinks(
    NodeContext context, OpenLinks links, LinkCare care, Liveness liveness)
{
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(5);

    /// <summary>A node has fewer addresses; one that claims many is to cost no more.</summary>
    private const int FoundAtMax = 8;

    /// <summary>
    /// Two links to one run of one peer: the one that the node with the smaller id opened stays, of two
    /// opened by the same side the newer one; the other link is closed once what is on its way has arrived.
    /// Both sides see both links, so they choose alike, except that two hellos may arrive in another order
    /// than they were sent in: so of two links opened by one side, that side closes first and the other side
    /// follows. And a peer that found the older link dead sees only the newer one: so an older link that
    /// stays has to prove itself.
    /// </summary>
    public void Merge(TimeSpan now, Peer peer, Link added)
    {
        links.BringUp(added, peer);
        if (added.IsOutbound)
        {
            peer.FoundAt = [.. peer.FoundAt.Prepend(added.RemoteAddress).Distinct().Take(FoundAtMax)];
        }

        peer.IsForFinger |= added.Purpose == LinkPurpose.Finger;
        care.Review(peer);
        care.Tell(added, peer);
        Link old = peer.Link;
        bool isSameSide = added.IsOutbound == old.IsOutbound;
        bool smallerOpened = added.IsOutbound == (context.Id < peer.Id);
        Link loser = isSameSide || smallerOpened ? old : added;
        loser.IsDraining = true;
        if (loser == old)
        {
            Switch(now, peer, added); // a question on this link may overtake the request
        }
        else if (liveness.Health(peer).AskedAt is null)
        {
            liveness.Doubt(now, peer);
        }

        CloseAfterDraining(now, loser, isSameSide && !added.IsOutbound ? 2 * DrainTime : DrainTime);
    }

    /// <summary>
    /// The link to a peer broke or is silent: where there is another one the peer is not gone, it may have
    /// opened that because it found the first one dead.
    /// </summary>
    public void HandleDead(TimeSpan now, Peer peer)
    {
        if (links.OtherTo(peer) is not { } other)
        {
            links.Drop(now, peer, DepartureReason.Failed);
            return;
        }

        links.Forget(peer.Link);
        other.IsDraining = false;
        care.Tell(other, peer);
        Switch(now, peer, other); // what was on its way may be lost
    }

    private void Switch(TimeSpan now, Peer peer, Link link)
    {
        peer.Link = link;
        liveness.NoteHeard(now, peer, isOnUsed: true);
        context.Machines.Each(machine => machine.HandleLinkSwitched(now, peer));
    }

    /// <summary>Closes a second link, but not while it is in doubt whether the first one is alive.</summary>
    private void CloseAfterDraining(TimeSpan now, Link link, TimeSpan wait) =>
        context.Timers.Schedule(now + wait, later =>
        {
            if (!link.IsDraining || !links.TryGet(link.Id, out _))
            {
                return;
            }

            if (liveness.Health(link.Peer!).AskedAt is null)
            {
                links.Forget(link);
            }
            else
            {
                CloseAfterDraining(later, link, DrainTime);
            }
        });
}
