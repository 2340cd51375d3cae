using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Upkeep;

namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// Two links to one run of one peer, since both sides dialled at once or one found its link dead: which of
/// them is used, and when the other one is closed.
/// </summary>
internal sealed class SecondLinks(
    NodeContext context,
    Standings standings,
    IReadOnlyDictionary<LinkId, Link> links,
    Action<Link> forget)
{
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(5);

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
        added.Peer = peer;
        peer.WasDialled |= added.IsOutbound;
        standings.Review(peer);
        standings.Tell(added, peer);
        Link old = peer.Link;
        bool isSameSide = added.IsOutbound == old.IsOutbound;
        bool smallerOpened = added.IsOutbound == (context.Id < peer.Id);
        Link loser = isSameSide || smallerOpened ? old : added;
        peer.Link = loser == old ? added : old;
        loser.IsDraining = true;
        if (loser == old)
        {
            peer.Silence.Forget(); // a question on this link may overtake the request
            peer.NoteHeard(now);
        }
        else if (peer.ProbeSentAt is null)
        {
            peer.IsLinkInDoubt = true;
            FailureDetection.Probe(context, now, peer);
        }

        CloseAfterDraining(now, loser, isSameSide && !added.IsOutbound ? 2 * DrainTime : DrainTime);
    }

    /// <summary>Closes a second link, but not while it is in doubt whether the first one is alive.</summary>
    private void CloseAfterDraining(TimeSpan now, Link link, TimeSpan wait) =>
        context.Timers.Schedule(now + wait, later =>
        {
            if (!link.IsDraining || !links.ContainsKey(link.Id))
            {
                return;
            }

            if (link.Peer!.ProbeSentAt is null)
            {
                forget(link);
            }
            else
            {
                CloseAfterDraining(later, link, DrainTime);
            }
        });
}
