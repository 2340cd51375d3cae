using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// Whether this node may act as a ring of its own. It may when it has nobody to join, when all others left in
/// order, and when it was told to found one; else, while no member is connected, it is alone.
/// </summary>
internal sealed class Solitude(NodeContext context, RingTable rings, AwayMembers away)
{
    /// <summary>
    /// So long a member has to stay that came by itself, until its leaving in order may leave this node as
    /// the last one: anybody may come, name itself a member and leave.
    /// </summary>
    private static readonly TimeSpan ProvenAfter = TimeSpan.FromSeconds(30);

    private TimeSpan? _reachedAt;
    private bool _wasInRing;

    /// <summary>
    /// Whether it has nobody to join: no address, and no member that is away, or connected without a place.
    /// </summary>
    public bool HasNobody => away.Count == 0 && !rings.KnowsBarred
        && (context.Options.Bootstrap.Count == 0 || _wasInRing);

    /// <summary>Whether nothing is left to prove (<see cref="ProveRing"/>).</summary>
    public bool IsProven => _wasInRing;

    /// <summary>Whether it reaches none of those that it was given to join or knows.</summary>
    public bool IsAlone =>
        context.Options.JoinsRing && !rings.IsInRing && !context.Options.Found && !HasNobody;

    /// <summary>
    /// Whether the node must not act for a ring as if it were all of it. A service whose members it has met
    /// none of since it was alone stays so for a moment longer: they are being looked for.
    /// </summary>
    public bool IsAloneIn(TimeSpan now, ServiceRing ring)
    {
        if (IsAlone)
        {
            _reachedAt = null;
            ring.IsHeldAlone = true;
        }
        else if (ring.IsHeldAlone)
        {
            _reachedAt ??= now;
            ring.IsHeldAlone = ring.Members.Count == 0 && rings.IsInRing
                && now - _reachedAt < context.Options.JoinPatience;
        }

        return ring.IsHeldAlone;
    }

    /// <summary>
    /// Notes that the ring is reached, once it is by an address that was given or known, or for long enough.
    /// </summary>
    public void ProveRing(TimeSpan now)
    {
        if (!_wasInRing && rings.TryGet(ServiceId.Base, out ServiceRing? ring))
        {
            _wasInRing = ring.Members.All.Any(
                peer => peer.Link.IsOwnEntry || now - peer.ConnectedAt >= ProvenAfter);
        }
    }
}
