using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Finds peers that died without a word. A closed connection is seen at once elsewhere; this is for hosts
/// that vanish. Any frame is a sign of life; only a quiet peer is probed, a neighbour sooner than another.
/// </summary>
internal sealed class FailureDetection(
    NodeContext context, RingTable rings, Liveness liveness, SecondLinks secondLinks) : Machine
{
    /// <summary>Peers that are not neighbours are probed this much less often.</summary>
    private const int DistantFactor = 4;

    public override void Start(TimeSpan now) =>
        context.Timers.Repeat(now, () => context.Random.Jitter(context.Options.ProbeAfter / 5), later =>
        {
            foreach (Peer peer in context.Peers.Snapshot())
            {
                Check(later, peer);
            }
        });

    private void Check(TimeSpan now, Peer peer)
    {
        if (liveness.ProbeSentAt(peer) is { } sent)
        {
            if (now - sent > context.Options.ProbeTimeout)
            {
                secondLinks.HandleDead(now, peer);
            }

            return;
        }

        TimeSpan quiet = rings.IsNeighbour(peer)
            ? context.Options.ProbeAfter
            : context.Options.ProbeAfter * DistantFactor;
        if (now - liveness.LastHeard(peer) > quiet)
        {
            liveness.Probe(now, peer);
        }
    }
}
