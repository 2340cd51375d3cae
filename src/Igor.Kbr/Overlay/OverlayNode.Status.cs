using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;

namespace Igor.Kbr.Overlay;

/// <content>What the node says of itself.</content>
public sealed partial class OverlayNode
{
    /// <summary>How the node stands to the ring, and why.</summary>
    public RingStanding Ring => _isolation.Standing;

    /// <summary>
    /// Members of the ring to remember over a restart (<see cref="OverlayOptions.KnownMembers"/>), at most
    /// 64: those connected and those that failed, but none that left in order.
    /// </summary>
    public IReadOnlyList<KnownMember> KnownMembers => [.. _entries.KnownMembers];

    /// <summary>What keeps the node from doing all that it is there for; none: it is healthy.</summary>
    public IReadOnlyList<Trouble> Troubles
    {
        get
        {
            IReadOnlyList<string> clocks = ClockTroubles;
            List<Trouble> troubles = [.. _isolation.Troubles, .. _identity.Troubles];
            Key[] silent =
                [.. _context.Peers.All.Where(p => _rings.IsBarred(p) && p.JoinsRing).Select(p => p.Id)];
            if (silent.Length > 0)
            {
                troubles.Add(new Trouble(
                    TroubleKinds.SilentMember,
                    "members drop requests and are left out until they answer, look at their logs: "
                    + string.Join(", ", silent.Select(id => id.ToShortString()))));
            }

            if (clocks.Count > 0)
            {
                troubles.Add(new Trouble(TroubleKinds.Clock, string.Join(' ', clocks)));
            }

            return troubles;
        }
    }

    /// <summary>How to tell the time; another object whenever that changed.</summary>
    public CorrectedClock Clock => _clocks.Clock;

    /// <summary>What is wrong with the clocks of this host and of its peers, for people.</summary>
    internal IReadOnlyList<string> ClockTroubles => _clocks.Troubles();

    /// <summary>The connected peers, for status pages.</summary>
    public IReadOnlyList<PeerStatus> Peers =>
        [.. _context.Peers.All.Select(p => new PeerStatus(
            p.Id,
            p.Addresses,
            [.. p.Services.InOrder.Where(id => id != ServiceId.Base).Select(_rings.NameOf)],
            _rings.IsNeighbour(p),
            _fingers.IsFinger(p),
            _liveness.RoundTrip(p)))];

    /// <summary>How large the ring is, and what the node's place there takes.</summary>
    public OverlayFigures FiguresAt(TimeSpan now) => new(
        _links.Count,
        _room.Max,
        _room.IsBusy,
        _rings.Base.IsActive ? RingSize.Estimate(_rings.Base.Neighbours) : 0,
        _upkeep?.Look(now, _context.Budget.Sent) ?? 0);

    /// <summary>Messages of peers that were ignored, since they sent too many of a costly kind.</summary>
    public long MessagesIgnored => _frames.Ignored;

    internal long WalksOverLinks => _links.Walks;

    /// <summary>Addresses that were not dialled because of which peer told of them, or how often.</summary>
    public long DialsRefused => _dialer.RefusedTold;
}
