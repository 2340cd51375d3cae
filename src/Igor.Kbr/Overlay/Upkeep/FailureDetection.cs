using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Upkeep;

/// <summary>
/// Finds peers that died without a word. A closed connection is seen at once elsewhere; this is for hosts
/// that vanish. Nodes that stand side by side in a ring watch each other; when one does not answer, those who
/// have it as neighbour too are told, and each asks it before it believes that (Castro et al., "Performance
/// and dependability of structured peer-to-peer overlays", DSN'04). Others are asked seldom, and when a
/// request through them is late.
/// </summary>
internal sealed class FailureDetection(
    NodeContext context, RingTable rings, Liveness liveness, SecondLinks secondLinks) : TimedMachine
{
    /// <summary>A heartbeat may be late by its spread and by what the network adds.</summary>
    private const double LateFactor = 1.1;

    /// <summary>Others told at once of a silent peer: two rings' neighbours. The rest follows.</summary>
    private const int ToldAtOnceMax = 32;

    private static readonly TimeSpan TellRestAfter = TimeSpan.FromMilliseconds(200);

    /// <summary>An honest peer answers within that, most of the time.</summary>
    private static readonly TimeSpan TellAfter = TimeSpan.FromSeconds(1);

    /// <summary>A peer that was heard since then lives, whatever others say.</summary>
    private static readonly TimeSpan HeardLately = TimeSpan.FromSeconds(2);

    private readonly TokenBucket _introductions = new(perSecond: 1, burst: 16);
    private readonly PerPeer<TokenBucket?> _introduced = new(context.Peers, () => null); // few ask for any
    private readonly HealthLimits _adjacent = new(
        context.Options.HeartbeatPeriod * LateFactor, context.Options.ProbeTimeout, TellAfter);

    private readonly HealthLimits _distant = new(
        context.Options.DistantHeartbeatPeriod * LateFactor, context.Options.ProbeTimeout, Telling: null);

    /// <summary>Another one asked it before, and got no answer in a second.</summary>
    private readonly HealthLimits _hearsay = new(
        context.Options.DistantHeartbeatPeriod * LateFactor,
        context.Options.ProbeTimeout - TellAfter,
        Telling: null);

    private int _told;
    public override ReadOnlySpan<MessageType> Messages => [MessageType.QuietPeer];

    public override TimeSpan? NextDeadline => liveness.Looks.Earliest;

    public override void HandlePeerUp(TimeSpan now, Peer peer) => Await(peer);

    public override void HandleRingChanged(TimeSpan now, ServiceId service, NeighbourChange change)
    {
        if (!rings.TryGet(service, out ServiceRing? ring))
        {
            return;
        }

        foreach (Key id in ring.Terms.Adjacent)
        {
            if (context.Peers.TryGet(id, out Peer? peer))
            {
                Await(peer);
            }
        }

        // Who was farther away may have died since, and nobody told this node, which did not miss it.
        foreach (Key id in change.Joined)
        {
            ProbeQuiet(now, id);
        }
    }

    public override void HandleDeadline(TimeSpan now)
    {
        while (liveness.Looks.TakeDue(now) is { } peer)
        {
            try
            {
                Check(now, peer);
            }
            finally
            {
                // Also after a fault of the host, or nobody would watch it any more.
                if (context.Peers.IsConnected(peer))
                {
                    Await(peer);
                }
            }
        }
    }

    /// <summary>A peer says that a third one does not answer it.</summary>
    public override void HandleMessage(TimeSpan now, Link link, Peer peer, in Frame frame)
    {
        QuietPeerMessage message = frame.Read<QuietPeerMessage>();
        if (!context.Peers.TryGet(message.Peer, out Peer? quiet))
        {
            return;
        }

        if (!peer.Runs(ServiceId.Base))
        {
            Introduce(now, peer, quiet);
        }
        else if (rings.IsNeighbour(peer) && now - liveness.Health(quiet).HeardAt > HeardLately)
        {
            liveness.Probe(now, quiet, _hearsay);
        }
    }

    /// <summary>
    /// Who does not reach a neighbour of this node, and has no place yet, may be reached by it: an address
    /// may be wrong, and nobody can take a place beside a node that it has not met.
    /// </summary>
    private void Introduce(TimeSpan now, Peer newcomer, Peer neighbour)
    {
        foreach (ServiceRing ring in rings.All)
        {
            TokenBucket ofNewcomer = _introduced[newcomer] ??= new(perSecond: 0.1, burst: 2);
            if (ring.Neighbours.Contains(neighbour.Id) && ofNewcomer.TryTake(now)
                && _introductions.TryTake(now))
            {
                context.Send(neighbour, new NeighboursMessage(
                    ring.Id, WantsReply: false, neighbour.Link.Fitting([newcomer.Contact]), []));
                return;
            }
        }
    }

    private void Check(TimeSpan now, Peer peer)
    {
        switch (liveness.Health(peer).Step(now, LimitsOf(peer)))
        {
            case HealthStep.Ask:
                liveness.Ask(now, peer);
                break;
            case HealthStep.Tell:
                Tell(now, peer);
                break;
            case HealthStep.Bury:
                if (!liveness.Health(peer).WasTold && IsBesideQuietOne(peer.Id))
                {
                    Tell(now, peer);
                }

                secondLinks.HandleDead(now, peer);
                break;
        }
    }

    private void Await(Peer peer) =>
        liveness.Looks[peer] = liveness.Health(peer).DueAt(LimitsOf(peer));

    /// <summary>
    /// Others that miss the same node find that out sooner by asking it themselves; nobody's word is enough.
    /// Those behind it may have died with it, and nobody between could tell: the next one is asked too.
    /// </summary>
    private void Tell(TimeSpan now, Peer quiet)
    {
        liveness.Avoid(quiet);
        var sets = new List<Key[]>();
        foreach (ServiceRing ring in rings.All)
        {
            if (ring.Terms.PartOf(quiet.Id) != 0)
            {
                sets.Add([.. ring.Neighbours.Others.OrderBy(id => id.DistanceTo(quiet.Id))]);
                AskBehind(now, quiet, ring.Neighbours.Clockwise);
                AskBehind(now, quiet, ring.Neighbours.CounterClockwise);
            }
        }

        // The nearest to it in each ring first, another ring's first each time.
        int first = _told++ % Math.Max(1, sets.Count);
        Key[][] inTurn = [.. sets[first..], .. sets[..first]];
        int longest = sets.Select(set => set.Length).DefaultIfEmpty().Max();
        IEnumerable<Key> concerned = Enumerable.Range(0, longest)
            .SelectMany(rank => inTurn.Where(set => rank < set.Length).Select(set => set[rank]));
        TellOf(now, quiet.Id, new Queue<Key>(concerned.Distinct().Where(id => id != quiet.Id)));
    }

    /// <summary>
    /// Whether the one next to this node, on the side of a dead one in some ring, says nothing either: then
    /// those on the other side, who will miss the dead one too, hear of it from nobody else.
    /// </summary>
    private bool IsBesideQuietOne(Key dead) => rings.All.Any(ring =>
        IsBesideQuietOne(dead, ring.Neighbours.Clockwise)
        || IsBesideQuietOne(dead, ring.Neighbours.CounterClockwise));

    private bool IsBesideQuietOne(Key dead, ImmutableArray<Key> side) =>
        side.Contains(dead) && context.Peers.TryGet(side[0], out Peer? next)
        && liveness.Health(next).AskedAt is not null;

    private void TellOf(TimeSpan now, Key quiet, Queue<Key> concerned)
    {
        for (int told = 0; told < ToldAtOnceMax && concerned.TryDequeue(out Key id);)
        {
            if (context.Peers.TryGet(id, out Peer? peer))
            {
                context.Send(peer, new QuietPeerMessage(quiet));
                told++;
            }
        }

        if (concerned.Count > 0)
        {
            context.Timers.Schedule(now + TellRestAfter, later => TellOf(later, quiet, concerned));
        }
    }

    private void AskBehind(TimeSpan now, Peer quiet, ImmutableArray<Key> side)
    {
        int behind = side.IndexOf(quiet.Id) + 1;
        if (behind > 0 && behind < side.Length)
        {
            ProbeQuiet(now, side[behind]);
        }
    }

    private void ProbeQuiet(TimeSpan now, Key id)
    {
        if (context.Peers.TryGet(id, out Peer? peer)
            && now - liveness.Health(peer).HeardAt > _adjacent.Quiet)
        {
            liveness.Probe(now, peer, _adjacent);
        }
    }

    private HealthLimits LimitsOf(Peer peer) => rings.Pairs.IsAdjacent(peer) ? _adjacent : _distant;
}
