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

    private bool _wasInRing;

    /// <summary>Whether it has no address to join through, and no member is away, or has no place.</summary>
    public bool HasNobody => away.Count == 0 && !rings.KnowsBarred
        && (context.Options.Bootstrap.Count == 0 || _wasInRing);

    /// <summary>Whether nothing is left to prove (<see cref="ProveRing"/>).</summary>
    public bool IsProven => _wasInRing;

    /// <summary>Whether it reaches none of those that it was given to join or knows.</summary>
    public bool IsAlone =>
        context.Options.JoinsRing && !rings.IsInRing && !context.Options.Found && !HasNobody;

    /// <summary>Notes that the ring is reached: by an address given or known, or for long enough.</summary>
    public void ProveRing(TimeSpan now)
    {
        _wasInRing = _wasInRing || rings.Base.Members.All.Any(
            peer => peer.Link.IsOwnEntry || now - peer.ConnectedAt >= ProvenAfter);
    }
}
